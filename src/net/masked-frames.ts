import { randomFillSync } from "node:crypto";
import { wholeBinary } from "./web-socket-frame.ts";

const maskBit = 0x80;
const maskBytes = 4;
// RFC 6455, 5.2: lengths up to this stand in the second byte; then in two bytes behind it, then in eight.
const longestShort = 125;
const longestMiddle = 0xffff;

/** Masks that nobody can guess (RFC 6455, 5.3), many at a time: to ask the system for each would cost more than the frame. */
class Masks {
  readonly #bytes = new Uint8Array(8 * 1_024);
  #used = this.#bytes.length;

  /** Puts the next one in its place. */
  put(target: Uint8Array, at: number): void {
    if (this.#used === this.#bytes.length) {
      randomFillSync(this.#bytes);
      this.#used = 0;
    }
    for (let byte = 0; byte < maskBytes; byte++) target[at + byte] = this.#bytes[this.#used++] as number;
  }
}

const masks = new Masks();

/** A client's frames: each message whole, binary and masked, one behind the other. */
export function maskedFrames(messages: readonly Uint8Array[]): Uint8Array {
  let bytes = 0;
  for (const { length } of messages) bytes += headBytes(length) + length;
  // Out of Node's pool where it is small.
  const frames = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (const message of messages) at = lay(frames, at, message);
  return frames;
}

function headBytes(length: number): number {
  return 2 + (length > longestMiddle ? 8 : length > longestShort ? 2 : 0) + maskBytes;
}

/** Lays one frame. Gives where it ends. */
function lay(frames: Buffer, from: number, message: Uint8Array): number {
  const { length } = message;
  frames[from] = wholeBinary;
  if (length <= longestShort) frames[from + 1] = maskBit | length;
  else if (length <= longestMiddle) {
    frames[from + 1] = maskBit | 126;
    frames.writeUInt16BE(length, from + 2);
  } else {
    frames[from + 1] = maskBit | 127;
    frames.writeUInt32BE(0, from + 2);
    frames.writeUInt32BE(length, from + 6);
  }
  const at = from + headBytes(length);
  const mask = at - maskBytes;
  masks.put(frames, mask);
  for (let byte = 0; byte < length; byte++) {
    frames[at + byte] = (message[byte] as number) ^ (frames[mask + (byte & 3)] as number);
  }
  return at + length;
}
