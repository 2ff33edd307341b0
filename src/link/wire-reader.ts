import type { RouteTexts } from "../message/index.ts";

// Texts that come again and again are short; what is longer is not kept.
const mostKept = 128;

/** Reads fields of protobuf where they stand. All of it throws a RangeError where the bytes make no sense. */
export class WireReader {
  at: number;
  end: number;
  /** Of the field that was passed last. */
  length = 0;
  readonly bytes: Uint8Array;
  readonly #texts: RouteTexts | undefined;

  /** @param texts Those that came before. The default is to build each anew. */
  constructor(bytes: Uint8Array, from: number, to: number, texts?: RouteTexts) {
    this.bytes = bytes;
    this.at = from;
    this.end = to;
    this.#texts = texts;
  }

  get more(): boolean {
    return this.at < this.end;
  }

  /** As a number: beyond 2^53 it is only about right, and nothing here counts so far. */
  varint(): number {
    const first = this.bytes[this.at] ?? 0;
    if (first < 0x80 && this.at < this.end) {
      this.at++;
      return first;
    }
    let value = 0;
    let scale = 1;
    for (let read = 0; read < 10; read++) {
      if (this.at >= this.end) throw new RangeError("the bytes end within a number");
      const byte = this.bytes[this.at++] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw new RangeError("a number without an end");
  }

  /** Passes a field with a length; gives where it ends. */
  past(): number {
    this.length = this.varint();
    if (this.length > this.end - this.at) throw new RangeError("the bytes end within a field");
    this.at += this.length;
    return this.at;
  }

  /** Begins to read within a field with a length: its end is the end. Gives what `leave` needs. */
  enter(): number {
    const outer = this.end;
    this.end = this.past();
    this.at = this.end - this.length;
    return outer;
  }

  /** Goes on behind the field. */
  leave(outer: number): void {
    this.at = this.end;
    this.end = outer;
  }

  /** A field of bytes, as a view. */
  blob(): Uint8Array {
    const end = this.past();
    return this.bytes.subarray(end - this.length, end);
  }

  text(): string {
    const end = this.past();
    if (this.length === 0) return "";
    const from = end - this.length;
    if (!this.#texts || this.length > mostKept) return readText(this.bytes, from, end);
    return this.#texts.find(this.bytes, from, end, readText);
  }

  skip(tag: number): void {
    if (tag < 8) throw new RangeError("a field without a number");
    const wireType = tag % 8;
    if (wireType === 0) this.varint();
    else if (wireType === 2) this.past();
    else if (wireType === 1 || wireType === 5) {
      this.at += wireType === 1 ? 8 : 4;
      if (this.at > this.end) throw new RangeError("the bytes end within a field");
    } else throw new RangeError(`a field of the type ${wireType}`);
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function readText(bytes: Uint8Array, from: number, to: number): string {
  return utf8.decode(bytes.subarray(from, to));
}
