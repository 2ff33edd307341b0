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
  // Of those that come again: joined at the end, for each join is a copy of all before.
  const pieces = new Map<number, Uint8Array[]>();
  try {
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const from = reader.pos;
      const [number, wireType] = reader.tag();
      if (wireType === WireType.EndGroup) throw new RangeError("a group ends that never began");
      reader.skip(wireType, number);
      const piece = bytes.subarray(from, reader.pos);
      const before = fields.get(number);
      if (!before) fields.set(number, piece);
      else if (!pieces.get(number)?.push(piece)) pieces.set(number, [before, piece]);
    }
  } catch (reason) {
    throw new NanoError({ code: "invalid_argument", message: "the session data is malformed", cause: reason });
  }
  for (const [number, all] of pieces) fields.set(number, joined(all));
  return fields;
}

/** A message's bytes out of its fields. */
export function joinFields(fields: ReadonlyMap<number, Uint8Array>): Uint8Array {
  return joined([...fields.values()]);
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

/** A message out of bytes, frozen: it is looked at, never changed. Throws `data_loss` where they are none: another server wrote them. */
export function decodeData(schema: DescMessage, bytes: Uint8Array): Message {
  try {
    return deepFreeze(fromBinary(schema, bytes));
  } catch (reason) {
    throw new NanoError({ code: "data_loss", message: `the session data are no ${schema.typeName}`, cause: reason });
  }
}

/** The names of the fields that a patch touches, as code sees them. */
export function patchedNames(schema: DescMessage, patch: DataPatch): string[] {
  const numbers = new Set([...splitFields(patch.fields).keys(), ...patch.cleared]);
  const touched = schema.fields.filter((field) => numbers.has(field.number));
  return [...new Set(touched.map((field) => field.oneof?.localName ?? field.localName))];
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const piece of pieces) length += piece.length;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
