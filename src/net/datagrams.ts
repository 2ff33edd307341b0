import { createSocket } from "node:dgram";
import { systemClock } from "../clock/index.ts";

/** A way for datagrams to one place. */
export interface Datagrams {
  /** What does not arrive is lost. */
  send(text: string): void;
  /** Resolves when what was sent has left, or after a second. */
  close(): Promise<void>;
}

// What the system has not taken yet; beyond it nothing is sent: the place may not exist.
const mostUnderWay = 1_000;
const closeTimeoutMs = 1_000;

/** @param failed Hears what went wrong: a name that means nothing, a message that is too long. */
export function openDatagrams(
  { host, port }: { readonly host: string; readonly port: number },
  failed: (reason: Error) => void,
): Datagrams {
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4").on("error", failed);
  socket.unref();
  let underWay = 0;
  let empty: (() => void) | undefined;
  return {
    send(text) {
      if (underWay >= mostUnderWay) return;
      underWay++;
      socket.send(text, port, host, (reason) => {
        underWay--;
        if (reason) failed(reason);
        if (underWay === 0) empty?.();
      });
    },
    async close() {
      if (underWay > 0) {
        await new Promise<void>((resolve) => {
          // A name server that does not answer is no reason to stay.
          const timer = systemClock.after(closeTimeoutMs, resolve);
          empty = () => {
            timer.cancel();
            resolve();
          };
        });
      }
      await new Promise<void>((resolve) => socket.close(() => resolve()));
    },
  };
}
