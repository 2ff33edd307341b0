import { WebSocket } from "ws";
import type { Tally } from "./tally.ts";

/** One who hears ticks. */
export interface Hearer {
  /** Whether it has a connection now. */
  readonly open: boolean;
}

/** Where it connects, from where, and how long it stays away on average. */
export interface HearerOptions {
  readonly port: number;
  readonly localAddress: string;
  readonly awayMs: number;
}

/** One on a plain WebSocket: when it breaks, it makes another. */
export function plainHearer({ port, localAddress, awayMs }: HearerOptions, tally: Tally): Promise<Hearer> {
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
          setTimeout(dial, Math.random() * 2 * awayMs);
        });
    }
    dial();
  });
}

/** One that sends what all hear, over a connection that stays. */
export async function plainTicker(port: number): Promise<(number: number) => Promise<void>> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  return async (number) => socket.send(`${number} ${performance.now()}`);
}
