// The messages of protobuf's own conformance suite: proto2, proto3, and both in edition 2023.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  clone,
  create,
  type DescMessage,
  fromBinary,
  getExtension,
  type Message,
  setExtension,
  toBinary,
} from "@bufbuild/protobuf";
import {
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
import { written } from "./written.ts";

const wellKnown = [
  file_google_protobuf_any,
  file_google_protobuf_duration,
  file_google_protobuf_field_mask,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
].map(({ proto }) => proto);
const runs = { numRuns: 30 };

let codecs: readonly Codec<Message>[];
let texts: readonly string[];

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
  ({ codecs, texts } = await printedAtOnce([...wellKnown, ...files], names));
}, 120_000);

describe("the conformance suite's messages", () => {
  const each = (check: (codec: Codec<Message>, schema: DescMessage) => void): void => {
    for (const codec of codecs) check(codec, codec.schema);
  };

  test("are there, and TestAllTypes of every syntax is", () => {
    const names = codecs.map(({ schema }) => schema.typeName);
    expect(names.filter((name) => /\.TestAllTypesProto[23]$/.test(name))).toHaveLength(4);
  });

  test("are read and written by straight-line code, each of them and of what they hold: nothing is left to protobuf-es", () => {
    const names = new Set<string>();
    each((_codec, schema) => reach(schema, names));
    expect([...names]).toEqual(
      expect.arrayContaining(["google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.Any"]),
    );
    const printed = new Set(
      texts.flatMap((text) => [...text.matchAll(/^function zero.*?\n}$/gms)].map(([zero]) => typeOf(zero))),
    );
    expect([...names].filter((name) => !printed.has(name))).toEqual([]);
    for (const text of texts) expect(text).not.toMatch(/fromBinary|toBinary|reflect/);
  });

  test("are written as protobuf-es writes them, and read as it reads them", () => {
    each((codec, schema) =>
      fc.assert(
        fc.property(messages(schema), (message) => {
          const bytes = written(schema, message);
          if (!bytes) return void expect(() => encoded(codec, message)).toThrow(/required field not set$/);
          expect(Buffer.compare(encoded(codec, message), bytes)).toBe(0);
          expectSame(codec, bytes);
        }),
        runs,
      ),
    );
  }, 120_000);

  test("keep extensions, as fields that they do not know", () => {
    const codec = codecs.find(({ schema }) => schema.typeName === "protobuf_test_messages.proto2.TestAllTypesProto2");
    if (!codec) throw new Error("not there");
    const schema: DescMessage = codec.schema;
    const extension = schema.file.extensions.find(({ name }) => name === "extension_int32");
    if (extension?.fieldKind !== "scalar") throw new Error("no extension");
    const message = create(schema);
    setExtension(message, extension, -7);
    const bytes = toBinary(schema, message);
    const read = codec.decode(bytes, 0, bytes.length);
    expect(getExtension(read, extension)).toBe(-7);
    expect(encoded(codec, read)).toEqual(bytes);
  });

  test("are refused where protobuf-es refuses them", () => {
    each((codec, schema) =>
      fc.assert(
        fc.property(messages(schema), fc.nat(), fc.integer({ min: 0, max: 255 }), (message, place, byte) => {
          // One of them requires itself: none can be written.
          const bytes = written(schema, message) ?? new Uint8Array(0);
          const at = bytes.length === 0 ? 0 : place % bytes.length;
          expectSame(codec, bytes.slice(0, at));
          expectSame(codec, Uint8Array.of(...bytes.slice(0, at), byte, ...bytes.slice(at + 1)));
        }),
        runs,
      ),
    );
  }, 120_000);
});

/** A message's name, and the names of all that it holds. */
function reach({ typeName, fields }: DescMessage, names: Set<string>): void {
  if (names.has(typeName)) return;
  names.add(typeName);
  for (const { message } of fields) if (message) reach(message, names);
}

/** The type that a printed function makes a message of. */
function typeOf(zero: string): string | undefined {
  return /\$typeName(?:: | = )"([^"]+)"/.exec(zero)?.[1];
}
