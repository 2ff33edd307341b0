import { connect, createServer, type Socket } from "node:net";

/** A small TCP balancer, which breaks connections as a bad network does. */
export interface Balancer {
  readonly port: number;
  /** How many connections were broken. */
  readonly killed: number;
  /** From now on each connection lives so long on average, in milliseconds; undefined: none is broken any more. */
  break(meanMs: number | undefined): void;
  close(): void;
}

/** What it balances. */
export interface BalancerOptions {
  readonly targets: readonly number[];
  /** "random": each connection goes anywhere. "source": those from one address go to one target. */
  readonly spread: "random" | "source";
}

const lookMs = 100;

/** On a port of its own, on every loopback address. */
export async function startBalancer({ targets, spread }: BalancerOptions): Promise<Balancer> {
  const live = new Set<() => void>();
  let killed = 0;
  let breaking: ReturnType<typeof setInterval> | undefined;

  function pick(source: string): number {
    if (spread === "random") return Math.floor(Math.random() * targets.length);
    return [...source].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) >>> 0, 7) % targets.length;
  }

  const server = createServer({ noDelay: true }, (near) => {
    const first = pick(near.remoteAddress ?? "");
    near.on("error", () => {});
    dial(near, [...targets.slice(first), ...targets.slice(0, first)]);
  });

  /** To the first that answers: nobody who balances sends clients to a server that does not listen. */
  function dial(near: Socket, [port, ...others]: readonly number[]): void {
    if (port === undefined || near.destroyed) return void near.destroy();
    const far = connect({ port, host: "127.0.0.1", noDelay: true });
    const refused = (): void => dial(near, others);
    far.once("error", refused).once("connect", () => {
      const end = (): void => {
        live.delete(end);
        near.destroy();
        far.destroy();
      };
      if (near.destroyed) return end();
      live.add(end);
      far.off("error", refused).on("error", end).on("close", end).pipe(near);
      near.on("error", end).on("close", end).pipe(far);
    });
  }

  await new Promise<void>((resolve) => server.listen({ port: 0, host: "0.0.0.0", backlog: 8_192 }, resolve));
  const at = server.address();
  return {
    port: typeof at === "object" && at ? at.port : 0,
    get killed() {
      return killed;
    },
    break(meanMs) {
      clearInterval(breaking);
      if (meanMs === undefined) return;
      // The same chance in every look: how long a connection has stood says nothing of how long it will.
      breaking = setInterval(() => {
        for (const end of [...live]) {
          if (Math.random() >= lookMs / meanMs) continue;
          killed++;
          end();
        }
      }, lookMs);
    },
    close() {
      clearInterval(breaking);
      for (const end of [...live]) end();
      server.close();
    },
  };
}
