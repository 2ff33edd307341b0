// Frames on bare TCP: a length, a number, a body; one write for all of a turn. What no transport between servers can pass.
import type { Socket } from "node:net";

const headerBytes = 8;

/** Sends and takes frames on a socket. */
export interface RawFrames {
  send(call: number, body: Uint8Array): void;
}

/** @param take The body is only true during the call. */
export function rawFrames(socket: Socket, take: (call: number, body: Buffer) => void): RawFrames {
  let slab = Buffer.allocUnsafe(64 * 1_024);
  let filled = 0;
  let rest: Buffer = Buffer.alloc(0);
  const flush = (): void => {
    socket.write(slab.subarray(0, filled));
    if (socket.writableLength > 0) slab = Buffer.allocUnsafe(slab.length);
    filled = 0;
  };
  socket.on("data", (bytes) => {
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
      if (filled === 0) process.nextTick(flush);
      if (filled + headerBytes + body.length > slab.length) throw new Error("more in one turn than the slab holds");
      filled = slab.writeUInt32BE(body.length, filled);
      filled = slab.writeUInt32BE(call, filled);
      slab.set(body, filled);
      filled += body.length;
    },
  };
}
