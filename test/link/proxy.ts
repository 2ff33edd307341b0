import type { AddressInfo } from "node:net";
import { connect, createServer, type Socket } from "node:net";

/** A TCP proxy that can break, or swallow, what goes through it. */
export interface TcpProxy {
  readonly address: string;
  /** Breaks all that stands; what is lost within is lost. */
  reset(): void;
  /** Passes nothing on, either way, until it is told again. */
  hold(held: boolean): void;
  close(): Promise<void>;
}

/** Listens on loopback, in front of an address such as "127.0.0.1:4000". */
export async function startProxy(to: string): Promise<TcpProxy> {
  const port = Number(to.slice(to.lastIndexOf(":") + 1));
  const sockets = new Set<Socket>();
  let held = false;
  const server = createServer((near) => {
    const far = connect({ host: "127.0.0.1", port });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.setNoDelay(true);
      one.on("error", () => {});
      one.on("close", () => {
        sockets.delete(one);
        other.destroy();
      });
      one.on("data", (bytes) => {
        if (!other.write(bytes)) one.pause();
      });
      one.on("drain", () => {
        if (!held) other.resume();
      });
      if (held) one.pause();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port: own } = server.address() as AddressInfo;
  const reset = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    address: `127.0.0.1:${own}`,
    reset,
    hold(now) {
      held = now;
      for (const socket of sockets) {
        if (held) socket.pause();
        else socket.resume();
      }
    },
    close() {
      reset();
      return new Promise((resolve) => void server.close(() => resolve()));
    },
  };
}
