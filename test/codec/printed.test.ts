import type { DescMessage, Message } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Codec } from "../../src/contract/index.ts";
import {
  GoogleProtobufInt64ValueCodec,
  GoogleProtobufStructCodec,
  GoogleProtobufTimestampCodec,
  NeededCodec,
  PresentRequestCodec,
  PresentResponseCodec,
  RareRequestCodec,
  RareResponseCodec,
} from "../schema/gen/every/v1/every_codec.ts";
import { OldMessageCodec } from "../schema/gen/every/v1/old_codec.ts";
import { PlainRequestCodec, PlainResponseCodec } from "../schema/gen/every/v1/plain_codec.ts";
import { inits, messages } from "./messages.ts";
import { encoded, expectSame } from "./same.ts";
import { wholes, written } from "./written.ts";

// A codec of one message takes no other; here each is only given its own.
const codecs = [
  PlainRequestCodec,
  PlainResponseCodec,
  PresentRequestCodec,
  PresentResponseCodec,
  OldMessageCodec,
  RareRequestCodec,
  RareResponseCodec,
  NeededCodec,
  GoogleProtobufInt64ValueCodec,
  GoogleProtobufStructCodec,
  GoogleProtobufTimestampCodec,
] as unknown as readonly Codec<Message>[];

const runs = { numRuns: 100 };

describe.each(codecs.map((codec) => [codec.schema.typeName, codec] as const))("the codec of %s", (_name, codec) => {
  const schema: DescMessage = codec.schema;

  test("writes the bytes of protobuf-es, of a whole message and of some fields", () => {
    fc.assert(
      fc.property(messages(schema), (message) => {
        const bytes = written(schema, message);
        if (!bytes) return void expect(() => encoded(codec, message)).toThrow(/^cannot encode field .+: required field not set$/);
        expect(encoded(codec, message)).toEqual(bytes);
      }),
      runs,
    );
    fc.assert(
      fc.property(inits(schema), (init) => {
        const bytes = written(schema, codec.create(init));
        if (!bytes) return void expect(() => encoded(codec, init)).toThrow(/required field not set$/);
        expect(encoded(codec, init)).toEqual(bytes);
      }),
      runs,
    );
  });

  test("reads what protobuf-es reads", () => {
    fc.assert(
      fc.property(wholes(schema), (bytes) => expectSame(codec, bytes)),
      runs,
    );
  });

  test("reads twice what comes twice, as protobuf-es does", () => {
    fc.assert(
      fc.property(wholes(schema), wholes(schema), (one, other) => expectSame(codec, Uint8Array.of(...one, ...other))),
      runs,
    );
  });

  test("refuses what protobuf-es refuses, and reads the rest alike", () => {
    const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }), fc.constantFrom("set", "cut", "add"));
    fc.assert(
      fc.property(wholes(schema), fc.array(change, { minLength: 1, maxLength: 4 }), (whole, changes) => {
        let bytes = whole;
        for (const [place, byte, kind] of changes) {
          const at = bytes.length === 0 ? 0 : place % bytes.length;
          const rest = kind === "set" ? at + 1 : at;
          if (kind === "cut") bytes = bytes.slice(0, at);
          else bytes = Uint8Array.of(...bytes.slice(0, at), byte, ...bytes.slice(rest));
        }
        expectSame(codec, bytes);
      }),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => expectSame(codec, bytes)),
      { numRuns: 500 },
    );
  });
});
