import { WebSocket } from "ws";
import type { Tally } from "./tally.ts";

/** One who hears ticks. */
export interface Hearer {
  /** Whether it has a connection now. */
  readonly open: boolean;
}

/** Where it connects, from where, and how long it stays away on average: undefined, as long as it does by itself. */
export interface HearerOptions {
  readonly port: number;
  readonly localAddress: string;
  readonly awayMs: number | undefined;
}

// As people write it: anywhere up to two seconds.
const usualAwayMs = 1_000;

/** One on a plain WebSocket: when it breaks, it makes another. */
export function plainHearer({ port, localAddress, awayMs = usualAwayMs }: HearerOptions, tally: Tally): Promise<Hearer> {
  return new Promise((resolve) => {
    let open = false;
    const hearer: Hearer = {
      get open() {
        return open;
      },
    };
    function dial(): void {
      const socket = new WebSocket(`ws://127.0.0.1:${port}`, { localAddress, perMessageDeflate: false });
      socket
        .on("open", () => {
          open = true;
          tally.back();
          resolve(hearer);
        })
        .on("message", (data) => {
          const [number, sentAtMs] = data.toString().split(" ");
          tally.heard(Number(number), Number(sentAtMs));
        })
        .on("error", () => {})
        .on("close", () => {
          open = false;
          tally.gone();
          setTimeout(dial, Math.random() * 2 * awayMs);
        });
    }
    dial();
  });
}

/** One that sends what all hear, at each server, for as long as that is there. */
export async function plainTicker(ports: readonly number[]): Promise<(number: number) => Promise<void>> {
  const sockets = await Promise.all(ports.map(dialed));
  return async (number) => {
    for (const socket of sockets) socket()?.send(`${number} ${performance.now()}`);
  };
}

/** Gives the connection, where there is one; dials again while there is none. */
async function dialed(port: number): Promise<() => WebSocket | undefined> {
  let live: WebSocket | undefined;
  await new Promise<void>((resolve) => {
    function dial(): void {
      const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
      socket
        .on("open", () => {
          live = socket;
          resolve();
        })
        .on("error", () => {})
        .on("close", () => {
          live = undefined;
          setTimeout(dial, redialMs);
        });
    }
    dial();
  });
  return () => live;
}

const redialMs = 50;
