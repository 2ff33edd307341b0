import type { Duplex } from "node:stream";
import { systemClock } from "../clock/index.ts";
import type { Accept } from "./acceptor.ts";

// How long a peer that does not read may hold a stream that has ended.
const endTimeoutMs = 5_000;

/** Hands a Node stream over, for acceptors that have one. */
export function acceptStream(accept: Accept, stream: Duplex, remoteAddress: string): void {
  let error: Error | undefined;
  let ended = false;
  const events = accept({
    remoteAddress,
    get queuedBytes() {
      return stream.writableLength;
    },
    write: (bytes) => stream.writable && stream.write(bytes),
    end() {
      ended = true;
      stream.end();
      const timer = systemClock.after(endTimeoutMs, () => stream.destroy());
      stream.once("close", () => timer.cancel());
    },
    destroy: () => void stream.destroy(),
  });
  stream.on("error", (reason: Error) => {
    error = reason;
  });
  stream.on("data", (bytes: Buffer) => {
    // Whoever has said goodbye hears nothing more; what still comes is read and dropped, so that the peer's end is seen.
    if (!ended) events.data(bytes);
  });
  stream.on("drain", () => events.drain());
  // A peer that has said all hears nothing more either: the protocol has no half-open client.
  stream.once("end", () => stream.destroy());
  stream.once("close", () => events.closed(error));
}
