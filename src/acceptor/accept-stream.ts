import type { Duplex } from "node:stream";
import type { Accept } from "./acceptor.ts";

/** Hands a Node stream over, for acceptors that have one. */
export function acceptStream(accept: Accept, stream: Duplex, remoteAddress: string): void {
  let error: Error | undefined;
  const events = accept({
    remoteAddress,
    get queuedBytes() {
      return stream.writableLength;
    },
    write: (bytes) => stream.writable && stream.write(bytes),
    end: () => void stream.end(),
    destroy: () => void stream.destroy(),
  });
  stream.on("error", (reason: Error) => {
    error = reason;
  });
  stream.on("data", (bytes: Buffer) => events.data(bytes));
  stream.on("drain", () => events.drain());
  // A peer that has said all hears nothing more either: the protocol has no half-open client.
  stream.once("end", () => stream.destroy());
  stream.once("close", () => events.closed(error));
}
