import { ByteWriter } from "../contract/index.ts";

/**
 * Where packets are laid before they are written. One serves all connections: each fills it and takes what is in it within one call.
 * What is taken lies in Node's pool: small arrays of their own would be moved before each write.
 */
export class Slab {
  readonly #laid = new ByteWriter(256 * 1_024);
  /** The only thing laid, so far: written as it is, it need not be copied. */
  #whole: Uint8Array | undefined;

  get length(): number {
    return this.#whole?.length ?? this.#laid.length;
  }

  /** Where what was reserved is to be written. Another one after the next `reserve`. */
  get buffer(): Uint8Array {
    return this.#laid.buffer;
  }

  /** Makes room for so many bytes and gives their place in `buffer`. */
  reserve(count: number): number {
    if (this.#whole) this.#settle(this.#whole);
    return this.#laid.reserve(count);
  }

  /** Lays bytes that never change. */
  add(bytes: Uint8Array): void {
    if (this.length === 0) this.#whole = bytes;
    else this.buffer.set(bytes, this.reserve(bytes.length));
  }

  /** A copy of what was laid behind a length of before. */
  since(length: number): Uint8Array {
    const count = this.#laid.length - length;
    const copy = Buffer.allocUnsafe(count);
    const from = this.#laid.buffer;
    // Of a few bytes a loop is faster than a view.
    if (count <= fewBytes) for (let at = 0; at < count; at++) copy[at] = from[length + at] ?? 0;
    else copy.set(this.#laid.view(length, this.#laid.length));
    return copy;
  }

  /** Gives all that was laid, and is empty. */
  take(): Uint8Array {
    const bytes = this.#whole ?? this.since(0);
    this.#whole = undefined;
    this.#laid.truncate(0);
    return bytes;
  }

  #settle(whole: Uint8Array): void {
    this.#whole = undefined;
    this.#laid.bytes(whole);
  }
}

const fewBytes = 64;
