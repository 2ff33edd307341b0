import { NanoError } from "../error/index.ts";

/** What stands before a message of a Connect stream: a byte of flags, and the length in 32 bits, big-endian. */
export const envelopeHeaderBytes = 5;

/** The largest envelope on a link. */
export const maxEnvelopeBytes = 256 * 1_024;

/** The flag of the last envelope of a Connect stream: its body is JSON, not a message. */
export const endStreamFlag = 0x02;

/** Lays a header before a body. */
export function writeEnvelopeHeader(target: Uint8Array, at: number, flags: number, bodyBytes: number): void {
  target[at] = flags;
  target[at + 1] = bodyBytes >>> 24;
  target[at + 2] = bodyBytes >>> 16;
  target[at + 3] = bodyBytes >>> 8;
  target[at + 4] = bodyBytes;
}

/** Takes one envelope. The body is only true during the call. */
export type TakeEnvelope = (flags: number, body: Uint8Array) => void;

/** Cuts a stream of bytes into envelopes, however they were split. */
export class EnvelopeDecoder {
  /** The largest body. What is on its way through already keeps the one it began with. */
  maxBytes: number;
  readonly #header = new Uint8Array(envelopeHeaderBytes);
  #headerFilled = 0;
  #body: Uint8Array | undefined;
  #bodyFilled = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** Reads on. Throws NanoError `resource_exhausted` on a body over the limit, `unimplemented` on flags that are not known, as of a compressed one. */
  push(bytes: Uint8Array, take: TakeEnvelope): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#headerFilled < envelopeHeaderBytes) {
        at = this.#fillHeader(bytes, at);
        if (this.#headerFilled < envelopeHeaderBytes) return;
      }
      const length = this.#length();
      if (!this.#body && bytes.length - at >= length) {
        const flags = this.#header[0] ?? 0;
        this.#headerFilled = 0;
        take(flags, bytes.subarray(at, at + length));
        at += length;
      } else at = this.#fillBody(bytes, at, length, take);
    }
  }

  #fillHeader(bytes: Uint8Array, at: number): number {
    const end = Math.min(bytes.length, at + envelopeHeaderBytes - this.#headerFilled);
    this.#header.set(bytes.subarray(at, end), this.#headerFilled);
    this.#headerFilled += end - at;
    if (this.#headerFilled < envelopeHeaderBytes) return end;
    const flags = this.#header[0] ?? 0;
    if ((flags & ~endStreamFlag) !== 0) {
      throw new NanoError({ code: "unimplemented", message: `an envelope with the flags ${flags}: links are not compressed` });
    }
    if (this.#length() > this.maxBytes) {
      throw new NanoError({
        code: "resource_exhausted",
        message: `an envelope of ${this.#length()} bytes: the limit is ${this.maxBytes}`,
      });
    }
    return end;
  }

  #fillBody(bytes: Uint8Array, at: number, length: number, take: TakeEnvelope): number {
    const body = this.#body ?? new Uint8Array(length);
    this.#body = body;
    const end = Math.min(bytes.length, at + length - this.#bodyFilled);
    body.set(bytes.subarray(at, end), this.#bodyFilled);
    this.#bodyFilled += end - at;
    if (this.#bodyFilled === length) {
      const flags = this.#header[0] ?? 0;
      this.#body = undefined;
      this.#bodyFilled = this.#headerFilled = 0;
      take(flags, body);
    }
    return end;
  }

  #length(): number {
    const [, a = 0, b = 0, c = 0, d = 0] = this.#header;
    return a * 0x100_0000 + ((b << 16) | (c << 8) | d);
  }
}
