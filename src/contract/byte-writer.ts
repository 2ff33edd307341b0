/** Bytes under construction, in one buffer that grows and is used again. */
export class ByteWriter {
  #buffer: Uint8Array<ArrayBuffer>;
  #data: DataView;
  #length = 0;

  /** @param capacity Bytes before the first growth; the default is 1,024. */
  constructor(capacity = 1_024) {
    this.#buffer = new Uint8Array(capacity);
    this.#data = new DataView(this.#buffer.buffer);
  }

  get length(): number {
    return this.#length;
  }

  /** Appends a copy. */
  bytes(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length);
    this.#buffer.set(bytes, at);
  }

  byte(value: number): void {
    const at = this.reserve(1);
    this.#buffer[at] = value;
  }

  /** Makes room for so many bytes and gives their place in `buffer`. What they hold is undefined until written. */
  reserve(count: number): number {
    const at = this.#length;
    const needed = at + count;
    if (needed > this.#buffer.length) this.#grow(needed);
    this.#length = needed;
    return at;
  }

  #grow(needed: number): void {
    const grown = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
    grown.set(this.#buffer);
    this.#buffer = grown;
    this.#data = new DataView(grown.buffer);
  }

  /** The buffer itself. It is another one after a growth. */
  get buffer(): Uint8Array {
    return this.#buffer;
  }

  /** The same bytes as `buffer`, for numbers that have several. */
  get data(): DataView {
    return this.#data;
  }

  /** A copy of a part. */
  slice(from: number, to: number): Uint8Array {
    return this.#buffer.slice(from, to);
  }

  /** A view of a part, true until that is written again. */
  view(from: number, to: number): Uint8Array {
    // Half of what `subarray` takes.
    return new Uint8Array(this.#buffer.buffer, from, to - from);
  }

  truncate(length: number): void {
    this.#length = length;
  }
}
