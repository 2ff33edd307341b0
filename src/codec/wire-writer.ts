import type { UnknownField } from "@bufbuild/protobuf";
import type { ByteWriter } from "../contract/index.ts";

// Longer texts are written by the system; up to here the length has one byte also where nothing is ASCII.
const shortText = 42;
const { utf8Write } = Buffer.prototype;
const scratch = new DataView(new ArrayBuffer(8));

/** Puts an unsigned 32-bit varint, as tags and lengths are, at a place of which five bytes are free; gives the place behind it. The value must be one. */
export function putVarint(buffer: Uint8Array, from: number, value: number): number {
  let at = from;
  let rest = value;
  while (rest > 0x7f) {
    buffer[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  buffer[at++] = rest;
  return at;
}

/** Throws where it is none: handlers may answer anything. So do the others. */
export function putUint32(buffer: Uint8Array, at: number, value: number): number {
  return putVarint(buffer, at, value >>> 0 === value ? value : checked(value, 0, 0xffff_ffff, "uint32"));
}

/** Ten bytes must be free. */
export function putInt32(buffer: Uint8Array, at: number, value: number): number {
  const number = (value | 0) === value ? value : checked(value, -0x8000_0000, 0x7fff_ffff, "int32");
  return number >= 0 ? putVarint(buffer, at, number) : putVarint64(buffer, at, number, -1);
}

export function putSint32(buffer: Uint8Array, at: number, value: number): number {
  const number = (value | 0) === value ? value : checked(value, -0x8000_0000, 0x7fff_ffff, "int32");
  return putVarint(buffer, at, ((number << 1) ^ (number >> 31)) >>> 0);
}

export function putBool(buffer: Uint8Array, at: number, value: boolean): number {
  buffer[at] = value ? 1 : 0;
  return at + 1;
}

/** Ten bytes must be free. */
export function putInt64(buffer: Uint8Array, at: number, value: Int64): number {
  scratch.setBigInt64(0, signed(value), true);
  return putVarint64(buffer, at, scratch.getInt32(0, true), scratch.getInt32(4, true));
}

/** Ten bytes must be free. */
export function putUint64(buffer: Uint8Array, at: number, value: Int64): number {
  scratch.setBigUint64(0, unsigned(value), true);
  return putVarint64(buffer, at, scratch.getInt32(0, true), scratch.getInt32(4, true));
}

/** Ten bytes must be free. */
export function putSint64(buffer: Uint8Array, at: number, value: Int64): number {
  scratch.setBigInt64(0, signed(value), true);
  const [low, high] = [scratch.getInt32(0, true), scratch.getInt32(4, true)];
  const sign = high >> 31;
  return putVarint64(buffer, at, (low << 1) ^ sign, ((high << 1) | (low >>> 31)) ^ sign);
}

export function putFixed32(data: DataView, at: number, value: number): number {
  data.setUint32(at, value >>> 0 === value ? value : checked(value, 0, 0xffff_ffff, "uint32"), true);
  return at + 4;
}

export function putSfixed32(data: DataView, at: number, value: number): number {
  data.setInt32(at, (value | 0) === value ? value : checked(value, -0x8000_0000, 0x7fff_ffff, "int32"), true);
  return at + 4;
}

export function putFloat(data: DataView, at: number, value: number): number {
  data.setFloat32(at, checkedFloat(value), true);
  return at + 4;
}

export function putDouble(data: DataView, at: number, value: number): number {
  data.setFloat64(at, value, true);
  return at + 8;
}

export function putFixed64(data: DataView, at: number, value: Int64): number {
  data.setBigUint64(at, unsigned(value), true);
  return at + 8;
}

export function putSfixed64(data: DataView, at: number, value: Int64): number {
  data.setBigInt64(at, signed(value), true);
  return at + 8;
}

/** Writes a tag alone: a group begins or ends. */
export function writeTag(writer: ByteWriter, tag: number): void {
  const at = writer.reserve(5);
  writer.truncate(putVarint(writer.buffer, at, tag));
}

/** Writes a tag, a length, and room for what has it; gives the place of the room. */
export function writeRoom(writer: ByteWriter, tag: number, bytes: number): number {
  const at = writer.reserve(10);
  const { buffer } = writer;
  writer.truncate(putVarint(buffer, putVarint(buffer, at, tag), bytes));
  return writer.reserve(bytes);
}

export function writeBytes(writer: ByteWriter, tag: number, value: Uint8Array | readonly number[]): void {
  const bytes = value instanceof Uint8Array ? value : Uint8Array.from(value);
  const at = writeRoom(writer, tag, bytes.length);
  writer.buffer.set(bytes, at);
}

export function writeString(writer: ByteWriter, tag: number, value: string): void {
  const string = typeof value === "string" ? value : String(value);
  const { length } = string;
  const from = writer.reserve(6 + length);
  const { buffer } = writer;
  let at = from;
  if (tag <= 0x7f) buffer[at++] = tag;
  else at = putVarint(buffer, at, tag);
  if (length <= shortText) {
    buffer[at++] = length;
    let unit = 0;
    for (; unit < length; unit++) {
      const code = string.charCodeAt(unit);
      if (code > 0x7f) break;
      buffer[at + unit] = code;
    }
    if (unit === length) return writer.truncate(at + length);
    at--;
  }
  writer.truncate(at);
  writeText(writer, string);
}

/** Writes a tag and makes room for a length of one byte, to be written by `join` when what it counts is there. */
export function fork(writer: ByteWriter, tag: number): number {
  let at = writer.reserve(6);
  const { buffer } = writer;
  if (tag <= 0x7f) buffer[at++] = tag;
  else at = putVarint(buffer, at, tag);
  writer.truncate(at + 1);
  return at + 1;
}

/** Writes the length of what was written since `fork`. */
export function join(writer: ByteWriter, from: number): void {
  const length = writer.length - from;
  if (length <= 0x7f) writer.buffer[from - 1] = length;
  else joinLong(writer, from, length);
}

function joinLong(writer: ByteWriter, from: number, length: number): void {
  const more = lengthBytes(length) - 1;
  writer.reserve(more);
  const { buffer } = writer;
  buffer.copyWithin(from + more, from, from + length);
  putVarint(buffer, from - 1, length);
}

/** Writes the fields that a message came with and its schema does not have. */
export function writeUnknown(writer: ByteWriter, fields: readonly UnknownField[]): void {
  for (const { no, wireType, data } of fields) {
    const at = writer.reserve(5);
    writer.truncate(putVarint(writer.buffer, at, ((no << 3) | wireType) >>> 0));
    writer.bytes(data);
  }
}

/** What 64 bits may be given as. */
export type Int64 = bigint | string | number;

/** A length, and what it counts. */
function writeText(writer: ByteWriter, value: string): void {
  const guess = lengthBytes(value.length);
  const at = writer.reserve(5 + value.length * 3);
  const { buffer } = writer;
  const written = utf8Write.call(buffer, value, at + guess, value.length * 3);
  const needed = lengthBytes(written);
  if (needed !== guess) buffer.copyWithin(at + needed, at + guess, at + guess + written);
  writer.truncate(putVarint(buffer, at, written) + written);
}

function putVarint64(buffer: Uint8Array, from: number, low: number, high: number): number {
  let at = from;
  let [lower, upper] = [low >>> 0, high >>> 0];
  while (upper > 0 || lower > 0x7f) {
    buffer[at++] = (lower & 0x7f) | 0x80;
    lower = ((lower >>> 7) | (upper << 25)) >>> 0;
    upper >>>= 7;
  }
  buffer[at++] = lower;
  return at;
}

function lengthBytes(length: number): number {
  return length < 0x80 ? 1 : length < 0x4000 ? 2 : length < 0x20_0000 ? 3 : length < 0x1000_0000 ? 4 : 5;
}

/** Numbers may be given as texts, as to protobuf-es. */
function checked(value: unknown, least: number, most: number, type: string): number {
  const number = typeof value === "string" ? Number(value) : value;
  if (typeof number !== "number" || !Number.isInteger(number) || number < least || number > most) {
    throw new Error(`invalid ${type}: ${typeof number === "number" ? number : typeof number}`);
  }
  return number;
}

function checkedFloat(value: unknown): number {
  const number = typeof value === "string" ? Number(value) : value;
  const wrong =
    typeof number !== "number" ||
    (Number.isNaN(number) && typeof value === "string" && value !== "NaN") ||
    (Number.isFinite(number) && !Number.isFinite(Math.fround(number)));
  if (wrong) throw new Error(`invalid float32: ${typeof value === "object" ? typeof value : String(value)}`);
  return number;
}

function signed(value: Int64): bigint {
  const number = typeof value === "bigint" ? value : BigInt(value);
  if (BigInt.asIntN(64, number) !== number) throw new Error(`invalid int64: ${value}`);
  return number;
}

function unsigned(value: Int64): bigint {
  const number = typeof value === "bigint" ? value : BigInt(value);
  if (BigInt.asUintN(64, number) !== number) throw new Error(`invalid uint64: ${value}`);
  return number;
}
