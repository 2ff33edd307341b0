// The messages of protobuf's own conformance suite: proto2, proto3, and both in edition 2023.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { clone, type DescMessage, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import {
  type DescriptorProto,
  type FieldDescriptorProto,
  FieldDescriptorProto_Type,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  file_google_protobuf_any,
  file_google_protobuf_duration,
  file_google_protobuf_field_mask,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
} from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import type { Codec } from "../../src/contract/index.ts";
import { root } from "../plugin/compile.ts";
import { messages } from "./messages.ts";
import { printedAtOnce } from "./printed-at-once.ts";
import { encoded, expectSame } from "./same.ts";

const wellKnown = [
  file_google_protobuf_any,
  file_google_protobuf_duration,
  file_google_protobuf_field_mask,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
].map(({ proto }) => proto);
const ways = ["whole", "without what is left to protobuf-es"] as const;
const runs = { numRuns: 20 };

const codecs = new Map<(typeof ways)[number], readonly Codec<Message>[]>();

beforeAll(async () => {
  const bytes = await readFile(join(root, "third_party/protobuf-conformance/test_messages.binpb"));
  const files = fromBinary(FileDescriptorSetSchema, bytes).file.map((file, at) => {
    // Of folders that say nothing here.
    const named = clone(FileDescriptorProtoSchema, file);
    named.name = `messages${at}.proto`;
    return named;
  });
  expect(files.map(({ syntax }) => syntax)).toEqual(["", "proto3", "editions", "editions"]);
  const names = files.map(({ name }) => name);
  codecs.set("whole", await printedAtOnce([...wellKnown, ...files], names));
  codecs.set("without what is left to protobuf-es", await printedAtOnce([...wellKnown, ...files.map(printable)], names));
}, 120_000);

/** A file without the fields whose messages have no straight-line code: groups, closed enums, what is required, wrappers and Struct. */
function printable(file: FileDescriptorProto): FileDescriptorProto {
  const rest = clone(FileDescriptorProtoSchema, file);
  const closed = file.syntax === "" || file.options?.features?.enumType === 2;
  const strip = (message: DescriptorProto): void => {
    const entries = message.nestedType.filter(({ options }) => options?.mapEntry);
    const rareEntries = entries.filter(({ field }) => field.some((one) => isRare(one, closed)));
    const ofRare = (typeName: string): boolean => rareEntries.some(({ name }) => typeName.endsWith(`.${name}`));
    message.field = message.field.filter((field) => !isRare(field, closed) && !ofRare(field.typeName));
    message.nestedType = message.nestedType.filter((one) => !rareEntries.includes(one));
    for (const nested of message.nestedType) if (!entries.includes(nested)) strip(nested);
  };
  rest.messageType.forEach(strip);
  rest.extension = [];
  return rest;
}

function isRare({ type, typeName, label, options }: FieldDescriptorProto, closed: boolean): boolean {
  if (type === FieldDescriptorProto_Type.GROUP || options?.features?.messageEncoding === 2) return true;
  if (label === 2 || options?.features?.fieldPresence === 3) return true;
  if (type === FieldDescriptorProto_Type.ENUM && closed) return true;
  return /^\.google\.protobuf\.(Struct|Value|ListValue|NullValue|\w+Value)$/.test(typeName);
}

/** Undefined where protobuf-es refuses to: a field that is required is not there. */
function written(schema: DescMessage, message: Message): Uint8Array | undefined {
  try {
    return toBinary(schema, message);
  } catch {
    return undefined;
  }
}

describe.each(ways)("the conformance suite's messages, %s", (way) => {
  const each = (check: (codec: Codec<Message>, schema: DescMessage) => void): void => {
    for (const codec of codecs.get(way) ?? []) check(codec, codec.schema);
  };

  test("are there, and TestAllTypes of every syntax is", () => {
    const names = (codecs.get(way) ?? []).map(({ schema }) => schema.typeName);
    expect(names.filter((name) => /\.TestAllTypesProto[23]$/.test(name))).toHaveLength(4);
  });

  test("are written as protobuf-es writes them, and read as it reads them", () => {
    each((codec, schema) =>
      fc.assert(
        fc.property(messages(schema), (message) => {
          const bytes = written(schema, message);
          if (!bytes) return void expect(() => encoded(codec, message)).toThrow();
          expect(Buffer.compare(encoded(codec, message), bytes)).toBe(0);
          expectSame(codec, bytes);
        }),
        runs,
      ),
    );
  }, 120_000);

  test("are refused where protobuf-es refuses them", () => {
    each((codec, schema) =>
      fc.assert(
        fc.property(messages(schema), fc.nat(), fc.integer({ min: 0, max: 255 }), (message, place, byte) => {
          const bytes = written(schema, message);
          if (!bytes) return;
          const at = bytes.length === 0 ? 0 : place % bytes.length;
          expectSame(codec, bytes.slice(0, at));
          expectSame(codec, Uint8Array.of(...bytes.slice(0, at), byte, ...bytes.slice(at + 1)));
        }),
        runs,
      ),
    );
  }, 120_000);
});
