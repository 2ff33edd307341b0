import type { UnknownField } from "@bufbuild/protobuf";
import type { ByteWriter } from "../contract/index.ts";

// Longer texts are written by the system; up to here the length has one byte also where nothing is ASCII.
const shortText = 42;
const text = new TextEncoder();
const scratch = new DataView(new ArrayBuffer(8));

/** Writes an unsigned 32-bit varint, as tags and lengths are. The value must be one. */
export function writeVarint(writer: ByteWriter, value: number): void {
  let at = writer.reserve(5);
  const { buffer } = writer;
  let rest = value;
  while (rest > 0x7f) {
    buffer[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  buffer[at++] = rest;
  writer.truncate(at);
}

/** Throws where it is none: handlers may answer anything. */
export function writeUint32(writer: ByteWriter, value: number): void {
  writeVarint(writer, value >>> 0 === value ? value : checked(value, 0, 0xffff_ffff, "uint32"));
}

export function writeInt32(writer: ByteWriter, value: number): void {
  const number = (value | 0) === value ? value : checked(value, -0x8000_0000, 0x7fff_ffff, "int32");
  if (number >= 0) writeVarint(writer, number);
  else writeVarint64(writer, number, -1);
}

export function writeSint32(writer: ByteWriter, value: number): void {
  const number = (value | 0) === value ? value : checked(value, -0x8000_0000, 0x7fff_ffff, "int32");
  writeVarint(writer, ((number << 1) ^ (number >> 31)) >>> 0);
}

export function writeBool(writer: ByteWriter, value: boolean): void {
  writer.byte(value ? 1 : 0);
}

export function writeFixed32(writer: ByteWriter, value: number): void {
  writeBytes4(writer, value >>> 0 === value ? value : checked(value, 0, 0xffff_ffff, "uint32"));
}

export function writeSfixed32(writer: ByteWriter, value: number): void {
  writeBytes4(writer, (value | 0) === value ? value : checked(value, -0x8000_0000, 0x7fff_ffff, "int32"));
}

export function writeFloat(writer: ByteWriter, value: number): void {
  scratch.setFloat32(0, checkedFloat(value), true);
  writeBytes4(writer, scratch.getInt32(0, true));
}

export function writeDouble(writer: ByteWriter, value: number): void {
  scratch.setFloat64(0, value, true);
  writeBytes4(writer, scratch.getInt32(0, true));
  writeBytes4(writer, scratch.getInt32(4, true));
}

export function writeInt64(writer: ByteWriter, value: Int64): void {
  putSigned(value);
  writeVarint64(writer, scratch.getInt32(0, true), scratch.getInt32(4, true));
}

export function writeUint64(writer: ByteWriter, value: Int64): void {
  putUnsigned(value);
  writeVarint64(writer, scratch.getInt32(0, true), scratch.getInt32(4, true));
}

export function writeSint64(writer: ByteWriter, value: Int64): void {
  putSigned(value);
  const [low, high] = [scratch.getInt32(0, true), scratch.getInt32(4, true)];
  const sign = high >> 31;
  writeVarint64(writer, (low << 1) ^ sign, ((high << 1) | (low >>> 31)) ^ sign);
}

export function writeFixed64(writer: ByteWriter, value: Int64): void {
  putUnsigned(value);
  writeBytes4(writer, scratch.getInt32(0, true));
  writeBytes4(writer, scratch.getInt32(4, true));
}

export function writeSfixed64(writer: ByteWriter, value: Int64): void {
  putSigned(value);
  writeBytes4(writer, scratch.getInt32(0, true));
  writeBytes4(writer, scratch.getInt32(4, true));
}

export function writeBytes(writer: ByteWriter, value: Uint8Array | readonly number[]): void {
  const bytes = value instanceof Uint8Array ? value : Uint8Array.from(value);
  writeVarint(writer, bytes.length);
  writer.bytes(bytes);
}

export function writeString(writer: ByteWriter, value: string): void {
  const string = typeof value === "string" ? value : String(value);
  const { length } = string;
  if (length > shortText) return writeLongString(writer, string);
  const at = writer.reserve(1 + length);
  const { buffer } = writer;
  buffer[at] = length;
  for (let unit = 0; unit < length; unit++) {
    const code = string.charCodeAt(unit);
    if (code > 0x7f) {
      writer.truncate(at);
      return writeLongString(writer, string);
    }
    buffer[at + 1 + unit] = code;
  }
}

/** Makes room for a length of one byte, to be written by `join` when what it counts is there. */
export function fork(writer: ByteWriter): number {
  writer.byte(0);
  return writer.length;
}

/** Writes the length of what was written since `fork`. */
export function join(writer: ByteWriter, from: number): void {
  const length = writer.length - from;
  if (length <= 0x7f) {
    writer.buffer[from - 1] = length;
    return;
  }
  const more = lengthBytes(length) - 1;
  const end = writer.length;
  writer.reserve(more);
  writer.buffer.copyWithin(from + more, from, end);
  writer.truncate(from - 1);
  writeVarint(writer, length);
  writer.reserve(length);
}

/** Writes the fields that a message came with and its schema does not have. */
export function writeUnknown(writer: ByteWriter, init: object): void {
  const { $unknown } = init as { readonly $unknown?: readonly UnknownField[] };
  if ($unknown === undefined) return;
  for (const { no, wireType, data } of $unknown) {
    writeVarint(writer, ((no << 3) | wireType) >>> 0);
    writer.bytes(data);
  }
}

/** What 64 bits may be given as. */
export type Int64 = bigint | string | number;

function writeLongString(writer: ByteWriter, value: string): void {
  const guess = lengthBytes(value.length);
  const at = writer.reserve(5 + value.length * 3);
  const { buffer } = writer;
  const { written } = text.encodeInto(value, buffer.subarray(at + guess));
  const needed = lengthBytes(written);
  if (needed !== guess) buffer.copyWithin(at + needed, at + guess, at + guess + written);
  writer.truncate(at);
  writeVarint(writer, written);
  writer.reserve(written);
}

function writeVarint64(writer: ByteWriter, low: number, high: number): void {
  let at = writer.reserve(10);
  const { buffer } = writer;
  let [lower, upper] = [low >>> 0, high >>> 0];
  while (upper > 0 || lower > 0x7f) {
    buffer[at++] = (lower & 0x7f) | 0x80;
    lower = ((lower >>> 7) | (upper << 25)) >>> 0;
    upper >>>= 7;
  }
  buffer[at++] = lower;
  writer.truncate(at);
}

function writeBytes4(writer: ByteWriter, value: number): void {
  const at = writer.reserve(4);
  const { buffer } = writer;
  buffer[at] = value;
  buffer[at + 1] = value >>> 8;
  buffer[at + 2] = value >>> 16;
  buffer[at + 3] = value >>> 24;
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

function putSigned(value: Int64): void {
  const number = typeof value === "bigint" ? value : BigInt(value);
  if (BigInt.asIntN(64, number) !== number) throw new Error(`invalid int64: ${value}`);
  scratch.setBigInt64(0, number, true);
}

function putUnsigned(value: Int64): void {
  const number = typeof value === "bigint" ? value : BigInt(value);
  if (BigInt.asUintN(64, number) !== number) throw new Error(`invalid uint64: ${value}`);
  scratch.setBigUint64(0, number, true);
}
