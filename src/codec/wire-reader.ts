import type { Message } from "@bufbuild/protobuf";
import { toDouble, toFloat, toInt64, toUint64 } from "./half-words.ts";
import { readText } from "./read-text.ts";
import { skipField } from "./skip-field.ts";

// Of the six. Not out of WireType: to look into what another module has, at each tag, makes small messages a tenth slower.
const lastWireType = 5;
// protobuf-es sets the same limit.
const maxDepth = 100;

/**
 * Reads the values that printed codecs ask for. It accepts and refuses what protobuf-es does, byte for byte: a field is read as its
 * schema says, whatever its wire type claims, and only the end of all the bytes is a hard one. What it gives aliases nothing.
 */
export class WireReader {
  /** Where it reads next. */
  pos = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #end = 0;
  #depth = 0;
  #low = 0;
  #high = 0;

  /** Begins anew with the bytes from `from` up to `to`. */
  start(bytes: Uint8Array, from: number, to: number): void {
    this.#bytes = bytes;
    this.pos = from;
    this.#end = to;
    this.#depth = 0;
  }

  /** Lets go of the bytes. */
  finish(): void {
    this.#bytes = nothing;
  }

  /** Whether no byte is left. */
  get atEnd(): boolean {
    return this.pos >= this.#end;
  }

  /** Goes into a message. Throws below 100 of them. */
  enter(): void {
    if (++this.#depth > maxDepth) throw new Error(`cannot decode: maximum recursion depth of ${maxDepth} reached`);
  }

  /** Comes out of a message. */
  leave(): void {
    this.#depth--;
  }

  /** The number of a field and its wire type. There must be a byte. What is rare stands elsewhere: the less there is, the more is compiled into what calls it. */
  tag(): number {
    const byte = this.#bytes[this.pos] ?? 0;
    // One byte, a number of at least 1, a wire type that there is.
    if (byte > 0x7f || byte < 8 || (byte & 7) > lastWireType) return this.#longTag();
    this.pos++;
    return byte;
  }

  #longTag(): number {
    const start = this.pos;
    const tag = this.uint32();
    const count = this.pos - start;
    if (count > 5 || (count === 5 && (this.#bytes[this.pos - 1] ?? 0) > 0x0f)) {
      throw new Error("illegal tag: varint overflows uint32");
    }
    if (tag >>> 3 === 0 || (tag & 7) > lastWireType) {
      throw new Error(`illegal tag: field no ${tag >>> 3} wire type ${tag & 7}`);
    }
    return tag;
  }

  /** Reads a length, and gives the place where what it counts is over. */
  endOf(): number {
    const length = this.uint32();
    const end = this.pos + length;
    if (end > this.#end) throw premature();
    return end;
  }

  uint32(): number {
    const byte = this.#bytes[this.pos] ?? 0;
    if (byte > 0x7f || this.pos >= this.#end) return this.#longUint32();
    this.pos++;
    return byte;
  }

  #longUint32(): number {
    const bytes = this.#bytes;
    let value = 0;
    let byte = 0;
    for (let shift = 0; shift <= 21; shift += 7) {
      byte = bytes[this.pos++] ?? 0;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.#within();
        return value;
      }
    }
    byte = bytes[this.pos++] ?? 0;
    value |= (byte & 0x0f) << 28;
    for (let count = 5; byte > 0x7f && count < 10; count++) byte = bytes[this.pos++] ?? 0;
    if (byte > 0x7f) throw new Error("invalid varint");
    this.#within();
    return value >>> 0;
  }

  int32(): number {
    return this.uint32() | 0;
  }

  sint32(): number {
    const zigzag = this.uint32();
    return (zigzag >>> 1) ^ -(zigzag & 1);
  }

  bool(): boolean {
    this.#varint64();
    return this.#low !== 0 || this.#high !== 0;
  }

  int64(): bigint {
    this.#varint64();
    return toInt64(this.#low, this.#high);
  }

  uint64(): bigint {
    this.#varint64();
    return toUint64(this.#low, this.#high);
  }

  sint64(): bigint {
    this.#varint64();
    const sign = -(this.#low & 1);
    return toInt64(((this.#low >>> 1) | ((this.#high & 1) << 31)) ^ sign, (this.#high >>> 1) ^ sign);
  }

  fixed32(): number {
    return this.sfixed32() >>> 0;
  }

  sfixed32(): number {
    const at = this.pass(4);
    const bytes = this.#bytes;
    return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
  }

  fixed64(): bigint {
    const low = this.sfixed32();
    return toUint64(low, this.sfixed32());
  }

  sfixed64(): bigint {
    const low = this.sfixed32();
    return toInt64(low, this.sfixed32());
  }

  float(): number {
    return toFloat(this.sfixed32());
  }

  double(): number {
    const low = this.sfixed32();
    return toDouble(low, this.sfixed32());
  }

  bytes(): Uint8Array<ArrayBuffer> {
    const length = this.uint32();
    return this.#copy(this.pass(length));
  }

  /** @param strict Whether what is no UTF-8 is refused; otherwise it becomes U+FFFD. */
  string(strict: boolean): string {
    const end = this.endOf();
    const from = this.pos;
    this.pos = end;
    return readText(this.#bytes, from, end, strict);
  }

  /** Keeps a field that the schema does not have. */
  unknown(message: Message, tag: number): void {
    const [no, wireType] = [tag >>> 3, tag & 7];
    const from = this.pos;
    this.skip(tag);
    message.$unknown ??= [];
    message.$unknown.push({ no, wireType, data: this.#copy(from) });
  }

  /** Goes past a field. */
  skip(tag: number): void {
    skipField(this, tag, maxDepth - this.#depth);
  }

  /** Goes past a number of any length. */
  passVarint(): void {
    while (this.pos < this.#end && (this.#bytes[this.pos] ?? 0) > 0x7f) this.pos++;
    this.pass(1);
  }

  /** Goes past so many bytes. Gives where they begin. */
  pass(count: number): number {
    const at = this.pos;
    this.pos += count;
    this.#within();
    return at;
  }

  /** From a place to where it stands. A Buffer's own slice is no copy, and is a Buffer. */
  #copy(from: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#bytes.subarray(from, this.pos));
  }

  #varint64(): void {
    const bytes = this.#bytes;
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = bytes[this.pos++] ?? 0;
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) return this.#varint(low, 0);
    }
    const middle = bytes[this.pos++] ?? 0;
    low |= (middle & 0x0f) << 28;
    let high = (middle & 0x70) >> 4;
    if (middle < 0x80) return this.#varint(low, high);
    for (let shift = 3; shift <= 31; shift += 7) {
      const byte = bytes[this.pos++] ?? 0;
      high |= (byte & 0x7f) << shift;
      if (byte < 0x80) return this.#varint(low, high);
    }
    throw new Error("invalid varint");
  }

  #varint(low: number, high: number): void {
    this.#within();
    this.#low = low;
    this.#high = high;
  }

  #within(): void {
    if (this.pos > this.#end) throw premature();
  }
}

const nothing = new Uint8Array(0);

function premature(): RangeError {
  return new RangeError("premature EOF");
}
