import type { DescMessage, Message } from "@bufbuild/protobuf";
import { isMessage, type UnknownField } from "@bufbuild/protobuf";
import { expect } from "vitest";

/**
 * protobuf-es forgets numbers that a closed enum does not have, where another field that nobody knows comes after them in the same
 * message. Printed codecs keep all, as the specification of enums says. This gives its message what it forgot: nothing but those.
 */
export function withKeptNumbers(schema: DescMessage, theirs: Message, ours: Message): void {
  const [kept, all] = [theirs.$unknown ?? [], ours.$unknown ?? []];
  if (all.length > kept.length) {
    const forgotten = all.filter((field) => isClosed(schema, field));
    const known = all.filter((field) => !isClosed(schema, field));
    expect(forgotten.length).toBeGreaterThan(0);
    // What is not of an enum, all of it and in order.
    expect(kept.filter((field) => !isClosed(schema, field))).toEqual(known);
    expect(all).toEqual(expect.arrayContaining(kept));
    theirs.$unknown = all;
  }
  for (const { message, localName, oneof, fieldKind } of schema.fields) {
    if (!message) continue;
    const [their, our] = [theirs, ours].map((one) => standing(one, oneof ? oneof.localName : localName, oneof !== undefined));
    if (fieldKind === "message") pair(message, their, our);
    else for (const key of Object.keys(Object(our))) pair(message, Object(their)[key], Object(our)[key]);
  }
}

function pair(schema: DescMessage, theirs: unknown, ours: unknown): void {
  if (isMessage(theirs, schema) && isMessage(ours, schema)) withKeptNumbers(schema, theirs, ours);
}

function standing(message: Message, name: string, isOneof: boolean): unknown {
  const member: unknown = Object(message)[name];
  return isOneof ? Object(member).value : member;
}

function isClosed({ fields }: DescMessage, { no }: UnknownField): boolean {
  return fields.some(({ number, fieldKind, enum: enumeration }) => number === no && fieldKind === "enum" && !enumeration?.open);
}
