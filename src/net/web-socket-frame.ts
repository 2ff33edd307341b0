// RFC 6455, 5.2.
const final = 0x80;
const reserved = 0x70;
const control = 0x08;
const closing = 0x08;
const masking = 0x80;
const continuation = 0;
const text = 1;
const binary = 2;
const longestControl = 125;
const twoByteLength = 126;
const eightByteLength = 127;
const maskBytes = 4;

/** The first byte of a whole binary message in one frame. */
export const wholeBinary = final | binary;

/** Too little of a frame is there to say what it is. */
export const tooShort = 0;
/** A frame after which nothing more is read: a close, or one that breaks a rule. */
export const lastOfAll = -1;

/** What frames of a connection have to be. */
export interface FrameRules {
  /** Whether the peer masks its frames, as clients do and servers do not. */
  readonly masked: boolean;
  /** The largest message, in bytes. */
  readonly maxPayload: number;
}

/**
 * How long the frame is that begins at `at`, its header included: more than 0, whether all of it is there or not. Or `tooShort`, or `lastOfAll`, said as
 * soon as the bytes that are there tell.
 *
 * @param fragmented Whether it stands within a message in fragments.
 */
export function frameBytes(bytes: Uint8Array, at: number, fragmented: boolean, { masked, maxPayload }: FrameRules): number {
  const there = bytes.length - at;
  if (there < 2) return tooShort;
  const [first, second] = [bytes[at] as number, bytes[at + 1] as number];
  if ((first & reserved) !== 0 || (second & masking) !== (masked ? masking : 0)) return lastOfAll;
  const opcode = first & 0x0f;
  const isControl = isControlFrame(first);
  if (isControl) {
    if (opcode === closing || opcode > 0x0a || (first & final) === 0 || (second & ~masking) > longestControl) return lastOfAll;
  } else if (fragmented ? opcode !== continuation : opcode !== text && opcode !== binary) return lastOfAll;
  const header = headerBytes(second);
  // Of the mask nothing is needed yet.
  if (there < header - (masked ? maskBytes : 0)) return tooShort;
  const payload = payloadBytes(bytes, at, second & ~masking);
  if (!isControl && payload > maxPayload) return lastOfAll;
  return header + payload;
}

/** Whether a frame with this first byte is a ping, a pong or a close, which may stand between fragments. */
export function isControlFrame(first: number): boolean {
  return (first & control) !== 0;
}

/** Whether a frame with this first byte is the last of its message. */
export function isFinalFrame(first: number): boolean {
  return (first & final) !== 0;
}

/** How long the header of a frame with this second byte is, its mask included. */
export function headerBytes(second: number): number {
  const length = second & ~masking;
  const lengthBytes = length === twoByteLength ? 2 : length === eightByteLength ? 8 : 0;
  return 2 + lengthBytes + ((second & masking) !== 0 ? maskBytes : 0);
}

function payloadBytes(bytes: Uint8Array, at: number, length: number): number {
  if (length < twoByteLength) return length;
  if (length === twoByteLength) return ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
  let payload = 0;
  for (let byte = at + 2; byte < at + 10; byte++) payload = payload * 256 + (bytes[byte] as number);
  return payload;
}

/** Takes the mask, which stands before them, off the bytes from `from` to `to`. */
export function unmask(bytes: Uint8Array, from: number, to: number): void {
  const [a, b] = [bytes[from - 4] as number, bytes[from - 3] as number];
  const [c, d] = [bytes[from - 2] as number, bytes[from - 1] as number];
  let at = from;
  for (; at + 4 <= to; at += 4) {
    bytes[at] = (bytes[at] as number) ^ a;
    bytes[at + 1] = (bytes[at + 1] as number) ^ b;
    bytes[at + 2] = (bytes[at + 2] as number) ^ c;
    bytes[at + 3] = (bytes[at + 3] as number) ^ d;
  }
  if (at < to) bytes[at] = (bytes[at] as number) ^ a;
  if (at + 1 < to) bytes[at + 1] = (bytes[at + 1] as number) ^ b;
  if (at + 2 < to) bytes[at + 2] = (bytes[at + 2] as number) ^ c;
}
