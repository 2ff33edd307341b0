import { inflateSync } from "node:zlib";

/** A body that does not inflate: it is no zlib, or too large. */
export class CompressionError extends Error {
  override readonly name = "CompressionError";
  readonly tooLarge: boolean;

  constructor(message: string, tooLarge: boolean) {
    super(message);
    this.tooLarge = tooLarge;
  }
}

/**
 * Inflates a zlib body (what the protocol calls gzip; RFC 1950). Throws CompressionError where it is none, or would have over
 * `maxBytes`: a few bytes may unpack to a thousand times as many.
 */
export function inflateZlib(bytes: Uint8Array, maxBytes: number): Uint8Array {
  try {
    return inflateSync(bytes, { maxOutputLength: maxBytes });
  } catch (reason) {
    const tooLarge = reason instanceof RangeError;
    throw new CompressionError(tooLarge ? `the body inflates to over ${maxBytes} bytes` : "the body does not inflate", tooLarge);
  }
}
