import { create, type DescMessage, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { NanoError } from "../error/index.ts";

/** Some top-level fields of one message, each whole, as bytes; and those that are gone, by number. */
export interface DataPatch {
  /** The message's type, as "chat.v1.ChatSession". */
  readonly type: string;
  readonly fields: Uint8Array;
  readonly cleared: readonly number[];
}

/** The top-level fields of a message's bytes: by number, all that stands there of one. Throws `invalid_argument` on malformed bytes. */
export function splitFields(bytes: Uint8Array): Map<number, Uint8Array> {
  const fields = new Map<number, Uint8Array>();
  try {
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const from = reader.pos;
      const [number, wireType] = reader.tag();
      if (wireType === WireType.EndGroup) throw new RangeError("a group ends that never began");
      reader.skip(wireType, number);
      const piece = bytes.subarray(from, reader.pos);
      const before = fields.get(number);
      fields.set(number, before ? joined(before, piece) : piece);
    }
  } catch (reason) {
    throw new NanoError({ code: "invalid_argument", message: "the session data is malformed", cause: reason });
  }
  return fields;
}

/** A message's bytes out of its fields. */
export function joinFields(fields: ReadonlyMap<number, Uint8Array>): Uint8Array {
  let length = 0;
  for (const piece of fields.values()) length += piece.length;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of fields.values()) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** What a user's patch says, in bytes. A field set to its default, or to undefined, is cleared. Throws `invalid_argument` on unknown names. */
export function encodePatch(schema: DescMessage, fields: object): DataPatch {
  const init: Record<string, unknown> = {};
  const cleared: number[] = [];
  const given = new Map<string, unknown>(Object.entries(fields));
  for (const [name, value] of given) {
    const member = schema.members.find((one) => one.localName === name);
    if (!member) throw new NanoError({ code: "invalid_argument", message: `${schema.typeName} has no field "${name}"` });
    if (value !== undefined) init[name] = value;
    // The whole oneof is one thing: whichever field stands there gives way.
    cleared.push(...(member.kind === "oneof" ? member.fields : [member]).map((field) => field.number));
  }
  const bytes = toBinary(schema, create(schema, init));
  const set = splitFields(bytes);
  return { type: schema.typeName, fields: bytes, cleared: cleared.filter((number) => !set.has(number)) };
}

/** A message out of bytes, frozen: it is looked at, never changed. */
export function decodeData(schema: DescMessage, bytes: Uint8Array): Message {
  return deepFreeze(fromBinary(schema, bytes));
}

/** The names of the fields that a patch touches, as code sees them. */
export function patchedNames(schema: DescMessage, patch: DataPatch): string[] {
  const numbers = [...splitFields(patch.fields).keys(), ...patch.cleared];
  const names = numbers.map((number) => schema.fields.find((field) => field.number === number)?.localName);
  return names.filter((name) => name !== undefined);
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
