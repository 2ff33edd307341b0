// Frames on a bare stream: a length, a number, a body; one write for all of a turn. What no transport between servers can pass.
import type { Duplex } from "node:stream";

const headerBytes = 8;
const slabBytes = 64 * 1_024;

/** The windows of HTTP/2 below raw frames, as large as a link's. */
export const http2WindowBytes = 4 * 1_024 * 1_024;

/** Sends and takes frames on a stream. */
export interface RawFrames {
  send(call: number, body: Uint8Array): void;
}

/** @param take The body is only true during the call. */
export function rawFrames(stream: Duplex, take: (call: number, body: Buffer) => void): RawFrames {
  let slab = Buffer.allocUnsafe(slabBytes);
  // What stands before is being written.
  let from = 0;
  let filled = 0;
  let rest: Buffer = Buffer.alloc(0);
  const flush = (): void => {
    stream.write(slab.subarray(from, filled));
    from = filled = stream.writableLength > 0 ? filled : 0;
  };
  stream.on("data", (bytes) => {
    const whole = rest.length > 0 ? Buffer.concat([rest, bytes]) : bytes;
    let at = 0;
    while (whole.length - at >= headerBytes) {
      const end = at + headerBytes + whole.readUInt32BE(at);
      if (end > whole.length) break;
      take(whole.readUInt32BE(at + 4), whole.subarray(at + headerBytes, end));
      at = end;
    }
    rest = whole.subarray(at);
  });
  return {
    send(call, body) {
      if (filled === from) process.nextTick(flush);
      if (filled + headerBytes + body.length > slab.length) {
        const begun = slab.subarray(from, filled);
        if (begun.length + headerBytes + body.length > slabBytes) throw new Error("more in one turn than the slab holds");
        slab = Buffer.allocUnsafe(slabBytes);
        slab.set(begun);
        filled = begun.length;
        from = 0;
      }
      filled = slab.writeUInt32BE(body.length, filled);
      filled = slab.writeUInt32BE(call, filled);
      slab.set(body, filled);
      filled += body.length;
    },
  };
}
