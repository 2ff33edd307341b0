import { isDeepStrictEqual } from "node:util";
import { create, type DescMessage, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { ByteWriter, type Codec } from "../../../src/contract/index.ts";
import { PresentRequestCodec, RareRequestCodec, RareResponseCodec } from "../../schema/gen/every/v1/every_codec.ts";
import { PlainRequestCodec, PlainResponseCodec } from "../../schema/gen/every/v1/plain_codec.ts";
import { bytesOf, holds, sameBytes, type Target } from "../engine/target.ts";
import { nested, wireTokens, wrongWire } from "./body.ts";

// The first byte of an input is the letter. Each codec is only given what it has made.
const codecs = {
  a: PlainRequestCodec,
  b: PlainResponseCodec,
  c: PresentRequestCodec,
  d: RareRequestCodec,
  e: RareResponseCodec,
} as unknown as Readonly<Record<string, Codec<Message>>>;
const letters = Object.keys(codecs);

/** Printed codecs beside protobuf-es: what one takes the other takes, and they make the same of it. */
export const printed: Target = {
  name: "printed",
  throws: Error,
  maxBytes: 65_536,
  chooses: true,
  // It is read and written four times over.
  maxMsPerKiB: 4,
  tokens: [...wireTokens(), Uint8Array.of(0x0b), Uint8Array.of(0x0c), Uint8Array.of(0x23, 0x24), "__proto__"],
  seeds() {
    const all: Record<string, Uint8Array> = { empty: bytesOf("d") };
    for (const [name, bytes] of Object.entries(wrongWire()))
      all[name] = bytesOf(letters[bytes.length % letters.length] ?? "a", bytes);
    for (const [index, [letter, init]] of inits.entries()) {
      const { schema } = codecOf(letter);
      all[`valid-${index}`] = bytesOf(letter, toBinary(schema, create(schema as DescMessage, init)));
    }
    all["groups"] = bytesOf("e", new Uint8Array(90).fill(0x23), new Uint8Array(90).fill(0x24));
    all["groups-open"] = bytesOf("e", new Uint8Array(300).fill(0x23));
    all["group-of-another-number"] = bytesOf("e", 0x0b, 0x14);
    all["numbers-of-no-enum"] = bytesOf("e", 0x10, 77, 0xa0, 6, 5, 0x10, 1, 0x30, 99);
    all["nested-json"] = bytesOf("d", nested(0x12, 60));
    return all;
  },
  run(bytes) {
    const codec = codecOf(String.fromCharCode(bytes[0] ?? 0));
    const schema: DescMessage = codec.schema;
    const body = bytes.subarray(1);
    const theirs = attempt(() => fromBinary(schema, body));
    let ours: Message;
    try {
      ours = codec.decode(bytes, Math.min(1, bytes.length), bytes.length);
    } catch (reason) {
      holds(theirs === undefined, "protobuf-es takes what the printed codec refuses");
      throw reason;
    }
    holds(theirs !== undefined, "the printed codec takes what protobuf-es refuses");
    // Of a closed enum, protobuf-es forgets numbers that the printed codec keeps.
    if (codec !== codecs["e"]) holds(isDeepStrictEqual(ours, theirs), "they have read different messages");
    const [writtenByUs, writtenByThem] = [attempt(() => written(codec, ours)), attempt(() => toBinary(schema, ours))];
    holds((writtenByUs === undefined) === (writtenByThem === undefined), "only one of them writes it");
    if (writtenByUs && writtenByThem) holds(sameBytes(writtenByUs, writtenByThem), "they have written different bytes");
  },
};

const inits: readonly (readonly [letter: string, init: Record<string, unknown>])[] = [
  ["a", { int32: -1, uint64: 2n ** 63n, double: 0.5, string: "é", bytes: Uint8Array.of(1), color: 1, self: { bool: true } }],
  ["b", { int32: [1, -1], string: ["a", ""], numbers: { a: 1, __proto__x: 2 }, messages: { 1: { bool: [true] } } }],
  ["c", { int32: 0, inner: { name: "n" }, inners: [{}, {}], kind: { case: "text", value: "t" }, at: { seconds: 1n } }],
  ["d", { name: "n", json: { a: [1, "b", null, { c: true }] }, int64: -5n, bytes: Uint8Array.of(0), names: [{ value: "x" }] }],
  [
    "d",
    {
      byName: { a: { b: 1 } },
      one: { case: "oneJson", value: { x: null } },
      value: { kind: { case: "boolValue", value: true } },
    },
  ],
  ["e", { group: { name: "g" }, closed: 1, groups: [{}, { closed: 2 }], name: "w", json: { z: 1 }, far: { number: 3 } }],
  ["e", { one: { case: "oneGroup", value: { closeds: [1, 1_000] } }, closedByName: { a: -5 }, packed: [1, 2] }],
];

function codecOf(letter: string): Codec<Message> {
  return codecs[letter] ?? codecs["d"] ?? (PlainRequestCodec as unknown as Codec<Message>);
}

function attempt<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch {
    return undefined;
  }
}

function written(codec: Codec<Message>, message: Message): Uint8Array {
  const writer = new ByteWriter(64);
  codec.encode(message, writer);
  return writer.slice(0, writer.length);
}
