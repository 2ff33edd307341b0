import type { Transport } from "../client/index.ts";
import { connectWebSocket, type TlsOptions } from "../net/index.ts";

/** A WebSocket as tools open it: by certificates that they name, many from one process, and kept from reading where they want. */
export function nodeWebSocket(url: string, tls: Pick<TlsOptions, "ca" | "rejectUnauthorized">): Transport {
  return {
    name: "ws",
    async open(events, signal) {
      const stream = await connectWebSocket(url, tls, { ...events, drain: () => {} }, signal);
      return {
        send: (packet) => void stream.write(packet),
        close: () => stream.end(),
        pause: () => stream.pause?.(),
        resume: () => stream.resume?.(),
      };
    },
  };
}
