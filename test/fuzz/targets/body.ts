import { createRegistry, type DescMessage, fromBinary, fromJson, type JsonValue, toBinary } from "@bufbuild/protobuf";
import {
  AnySchema,
  anyPack,
  DescriptorProtoSchema,
  DurationSchema,
  FieldMaskSchema,
  StructSchema,
  TimestampSchema,
} from "@bufbuild/protobuf/wkt";
import { JoinRequestSchema, JoinResponseSchema } from "../../../examples/chat/gen/chat/v1/chat_pb.ts";
import { ErrorSchema } from "../../../gen/nano/client/v1/client_pb.ts";
import { ServerRecordSchema } from "../../../gen/nano/cluster/v1/record_pb.ts";
import { MethodSchema } from "../../../gen/nano/options_pb.ts";
import { createBodyCodec } from "../../../src/client/body.ts";
import { NanoError, unpackDetail } from "../../../src/error/index.ts";
import { createJsonSerializer, protobufSerializer, type Serializer } from "../../../src/serializer/index.ts";
import { KeptResponseSchema, NoteRequestSchema, PlaySessionSchema } from "../../schema/gen/play/v1/play_pb.ts";
import { bytesOf, holds, mustSay, sameBytes, type Target } from "../engine/target.ts";

// Every kind of field, and every message that JSON writes in its own way. The first byte of an input is the letter.
const schemas: Readonly<Record<string, DescMessage>> = {
  a: JoinRequestSchema,
  b: JoinResponseSchema,
  c: KeptResponseSchema,
  d: NoteRequestSchema,
  e: PlaySessionSchema,
  f: ErrorSchema,
  g: ServerRecordSchema,
  h: MethodSchema,
  i: DescriptorProtoSchema,
  j: StructSchema,
  k: TimestampSchema,
  l: DurationSchema,
  m: FieldMaskSchema,
  n: AnySchema,
};
const letters = Object.keys(schemas);
const registry = createRegistry(...Object.values(schemas));
const json = createJsonSerializer({ registry: () => registry });
const asciiJson = createJsonSerializer({ registry: () => registry, ascii: true });

const detail = anyPack(JoinRequestSchema, fromJson(JoinRequestSchema, { room: "r", name: "é" }));

/** Messages in JSON, by the letters of their schemas. */
const valid: readonly (readonly [letter: string, value: JsonValue])[] = [
  ["a", {}],
  ["a", { room: "lobby", name: "Ann" }],
  ["a", { room: "räum", name: "\u{1f600}\u0000" }],
  ["b", { members: ["a", "", "c"] }],
  ["c", { numbers: [0, -1, 2_147_483_647, -2_147_483_648] }],
  ["d", { note: "n", coins: "9223372036854775807" }],
  ["d", { coins: -5 }],
  ["e", { note: "n", coins: "1", items: { sword: "AQID", "": "", __proto__x: "AA==" } }],
  [
    "f",
    {
      code: "not_found",
      msg: "m",
      metadata: { asked: "é" },
      details: [{ "@type": "type.googleapis.com/chat.v1.JoinRequest", room: "r" }],
    },
  ],
  [
    "g",
    {
      id: "s",
      incarnation: "18446744073709551615",
      state: "SERVER_STATE_READY",
      metadata: { a: "b" },
      signature: "-_8=",
      frontend: true,
    },
  ],
  ["g", { id: "s", state: 77, forward: 1 }],
  ["h", { access: "ACCESS_PUBLIC", key: "room", errors: [{ code: "aborted", retryable: false }], maxBytes: 4 }],
  ["h", { sticky: true, limit: { perSecond: 2, burst: 3 } }],
  [
    "i",
    {
      name: "M",
      nestedType: [{ name: "N", nestedType: [{ name: "O" }] }],
      field: [{ name: "f", number: 1, type: "TYPE_INT32" }],
    },
  ],
  ["i", { options: { mapEntry: true }, reservedRange: [{ start: 1, end: 2 }] }],
  ["j", { a: 1, b: [null, true, "x", { c: 1e300 }], d: null }],
  ["k", "2026-01-02T03:04:05.678Z"],
  ["k", "0001-01-01T00:00:00Z"],
  ["l", "-3.5s"],
  ["l", "315576000000s"],
  ["m", "aB,c.d"],
  ["n", { "@type": "type.googleapis.com/google.protobuf.Duration", value: "1s" }],
  [
    "n",
    {
      "@type": "type.googleapis.com/google.protobuf.Any",
      value: { "@type": "type.googleapis.com/chat.v1.JoinRequest", name: "n" },
    },
  ],
];

/** The same, or nothing like it, as texts that are nearly right. */
const nearly: readonly string[] = [
  "a",
  "anull",
  "a[]",
  "a\ufeff{}",
  'j{"a":1e400}',
  'a{"room":1}',
  'a{"room":"\\ud800"}',
  'a{"room":"a","room":"b"}',
  'a{"__proto__":{"room":"x"},"constructor":{"prototype":{"x":1}}}',
  `a{"x":${"[".repeat(127)}`,
  `a{"x":${"[".repeat(126)}${"]".repeat(126)}}`,
  `a{"x":"${"[".repeat(200)}"}`,
  'c{"numbers":[1.5]}',
  'c{"numbers":["1e2",1e2,null]}',
  'c{"numbers":[2147483648]}',
  'd{"coins":1e400}',
  `d{"coins":"${"9".repeat(400)}"}`,
  'd{"coins":"0x10"}',
  'e{"items":{"__proto__":"AQID","constructor":"AQID"}}',
  'e{"items":{"a":"no base64!"}}',
  'f{"details":[{"@type":"type.googleapis.com/no.such.Message"}]}',
  'f{"details":[{}]}',
  'g{"incarnation":-1}',
  'g{"state":"NO_SUCH"}',
  'h{"limit":{"perSecond":"NaN"}}',
  'h{"limit":{"perSecond":"Infinity"},"key":"a","sticky":true}',
  `i${'{"nestedType":['.repeat(120)}`,
  `j${'{"a":'.repeat(120)}1${"}".repeat(120)}`,
  'k"2026-02-30T00:00:00Z"',
  'k"9999-12-31T23:59:59.9999999999Z"',
  'k"2026-01-01t00:00:00+99:99"',
  'l"1.s"',
  'l"-0.0000000001s"',
  'm"a_b"',
  'm",,,"',
  'n{"@type":"/"}',
  'n{"@type":""}',
  `n${'{"@type":"type.googleapis.com/google.protobuf.Any","value":'.repeat(40)}`,
];

/** Bodies as JSON clients send them. */
export const jsonBody: Target = {
  name: "json",
  throws: NanoError,
  maxBytes: 65_536,
  chooses: true,
  tokens: [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    '"',
    "null",
    "true",
    "0",
    "-1",
    "1e999",
    '"a":',
    '"@type":',
    '"type.googleapis.com/google.protobuf.Any"',
    '"value":',
    '"__proto__":',
    "\\ud800",
    "\\u0000",
    "9999999999999999999",
    '"NaN"',
    "AQID",
    "[[[[[[[[",
    Uint8Array.of(0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80),
    Uint8Array.of(0xed, 0xa0),
  ],
  seeds() {
    const all: Record<string, Uint8Array> = {};
    for (const [index, [letter, value]] of valid.entries())
      all[`valid-${index}-${letter}`] = bytesOf(letter, JSON.stringify(value));
    for (const [index, text] of nearly.entries()) all[`nearly-${index}-${text[0]}`] = bytesOf(text);
    all["cesu-8"] = bytesOf('a{"room":"', Uint8Array.of(0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80), '"}');
    all["half-of-cesu-8"] = bytesOf('a{"room":"', Uint8Array.of(0xed, 0xa0, 0xbd), '"}');
    return all;
  },
  run(bytes) {
    const schema = schemaOf(bytes);
    const body = bytes.slice(1);
    const message = read(json, schema, body);
    body.fill(0xee);
    // A frontend turns it into protobuf, and what a handler says back into JSON.
    const binary = toBinary(schema, message);
    const back = fromBinary(schema, binary);
    let text: Uint8Array;
    try {
      text = json.encode(schema, back);
    } catch (reason) {
      // 1e400 is a number to JSON.parse, and none that a Value may hold. Whoever writes answers and pushes counts on errors.
      holds(reason instanceof Error && reason.message.includes("cannot be NaN or Infinity"), String(reason));
      return;
    }
    holds(sameBytes(toBinary(schema, json.decode(schema, text)), binary), "it is written as another");
    holds(
      asciiJson.encode(schema, back).every((byte) => byte < 0x7f),
      "not ASCII",
    );
  },
};

/** Bodies as everybody else sends them. */
export const protobufBody: Target = {
  name: "protobuf",
  throws: NanoError,
  maxBytes: 65_536,
  chooses: true,
  tokens: [...wireTokens(), "type.googleapis.com/chat.v1.JoinRequest", "__proto__"],
  seeds() {
    const all: Record<string, Uint8Array> = {};
    for (const [index, [letter, value]] of valid.entries()) {
      const schema = schemas[letter];
      if (schema) all[`valid-${index}-${letter}`] = bytesOf(letter, toBinary(schema, fromJson(schema, value, { registry })));
    }
    for (const letter of letters) all[`empty-${letter}`] = bytesOf(letter);
    for (const [name, bytes] of Object.entries(wrongWire())) all[name] = bytesOf("a", bytes);
    all["proto-as-a-key"] = bytesOf("f", 0x1a, 14, 0x0a, 9, "__proto__", 0x12, 1, "x");
    all["proto-as-a-key-of-bytes"] = bytesOf("e", 0x1a, 14, 0x0a, 9, "__proto__", 0x12, 1, "x");
    all["unpacked-numbers"] = bytesOf("c", Uint8Array.of(8, 1, 8, 2, 8, 0xff, 0xff, 0xff, 0xff, 0x0f));
    all["packed-numbers-cut"] = bytesOf("c", Uint8Array.of(10, 3, 1, 2, 0x80));
    all["nested-100"] = bytesOf("i", nested(0x1a, 100));
    all["nested-150"] = bytesOf("i", nested(0x1a, 150));
    all["groups"] = bytesOf("a", new Uint8Array(300).fill(0x1b));
    all["padding"] = bytesOf("a", Uint8Array.of(0xc0, 0xa3, 0x09, 0));
    return all;
  },
  run(bytes) {
    const schema = schemaOf(bytes);
    const body = bytes.slice(1);
    const message = read(protobufSerializer, schema, body);
    // The buffer is the socket's, and is used again.
    body.fill(0xee);
    const once = toBinary(schema, message);
    const twice = toBinary(schema, fromBinary(schema, once));
    holds(sameBytes(once, twice), "it is written as another");
  },
};

const clientBodies = [createBodyCodec("json", [json]), createBodyCodec("protobuf", [])];

/** The body of an error, as a client reads it. Whatever it is, it is an error; the first byte says in which encoding. */
export const errorBody: Target = {
  name: "error-body",
  throws: undefined,
  maxBytes: 65_536,
  chooses: true,
  tokens: [
    ...wireTokens(),
    "{",
    "}",
    "[",
    '"code":',
    '"details":[',
    '"@type":"type.googleapis.com/',
    "null",
    '"not_found"',
    '"metadata":{',
  ],
  seeds() {
    const texts = [
      '{"code":"not_found","msg":"no such thing"}',
      '{"code":"PIT-404","msg":"pitaya/handler: chat.room.nope not found"}',
      '{"code":"failed_precondition","msg":"m","metadata":{"a":"b"},"details":[{"@type":"type.googleapis.com/no.such.Message","a":1}]}',
      '{"code":1}',
      '{"code":"aborted","details":{}}',
      '{"metadata":{"__proto__":"x","code":"y"}}',
      '"a text"',
      "null",
      "[1,2]",
      "",
      "plain words",
      `{"x":${"[".repeat(200)}`,
    ];
    const all: Record<string, Uint8Array> = {};
    for (const [index, text] of texts.entries()) all[`json-${index}`] = bytesOf(0, text);
    const error = fromJson(ErrorSchema, { code: "not_found", msg: "m", metadata: { a: "b" } });
    all["protobuf"] = bytesOf(1, toBinary(ErrorSchema, { ...error, details: [detail] }));
    all["protobuf-pitaya"] = bytesOf(1, 10, 7, "PIT-404", 18, 3, "foo");
    all["protobuf-empty"] = bytesOf(1);
    all["protobuf-detail-broken"] = bytesOf(
      1,
      toBinary(ErrorSchema, { ...error, details: [{ ...detail, value: Uint8Array.of(10, 200) }] }),
    );
    for (const [name, bytes] of Object.entries(wrongWire())) all[`protobuf-${name}`] = bytesOf(1, bytes);
    return all;
  },
  run(bytes) {
    const error = clientBodies[(bytes[0] ?? 0) % 2]?.decodeError(bytes.subarray(1));
    holds(error instanceof NanoError && typeof error.message === "string", "no error");
    const unpacked = unpackDetail(error.detail, JoinRequestSchema);
    holds(unpacked === undefined || unpacked.$typeName === "chat.v1.JoinRequest", "the detail is another message");
  },
};

function schemaOf(bytes: Uint8Array): DescMessage {
  const schema = schemas[letters[(bytes[0] ?? 0) % letters.length] ?? "a"];
  holds(schema !== undefined, "no schema");
  return schema;
}

function read(serializer: Serializer, schema: DescMessage, body: Uint8Array): ReturnType<Serializer["decode"]> {
  try {
    return serializer.decode(schema, body);
  } catch (reason) {
    return mustSay(reason, "invalid_argument");
  }
}

/** Tags and lengths at the edges of what there is. */
export function wireTokens(): Uint8Array[] {
  const lengths = [0, 1, 2, 3, 5, 127].map((length) => Uint8Array.of(10, length));
  return [
    ...lengths,
    Uint8Array.of(8, 1),
    Uint8Array.of(0x12, 2, 8, 1),
    Uint8Array.of(0x0b),
    Uint8Array.of(0x0c),
    Uint8Array.of(0x0d, 1, 2, 3, 4),
    Uint8Array.of(0x09, 1, 2, 3, 4, 5, 6, 7, 8),
    Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f),
    new Uint8Array(10).fill(0xff),
    Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01),
    Uint8Array.of(0xf8, 0xff, 0xff, 0xff, 0x0f, 0),
  ];
}

/** Bytes that are no message of any schema, or hardly. */
export function wrongWire(): Record<string, Uint8Array> {
  return {
    "field-zero": Uint8Array.of(0, 0),
    "wire-type-six": Uint8Array.of(0x0e, 1),
    "wire-type-seven": Uint8Array.of(0x0f, 1),
    "group-not-closed": Uint8Array.of(0x0b, 8, 1),
    "group-not-opened": Uint8Array.of(0x0c),
    "group-of-another": Uint8Array.of(0x0b, 0x14),
    "length-over-the-end": Uint8Array.of(0x0a, 5, 1),
    "length-negative": Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1),
    "varint-of-eleven-bytes": bytesOf(8, new Uint8Array(10).fill(0x80), 1),
    "varint-cut": Uint8Array.of(8, 0x80),
    "fixed-cut": Uint8Array.of(0x0d, 1, 2),
    "no-utf8": Uint8Array.of(0x0a, 2, 0xc3, 0x28),
    "another-wire-type": Uint8Array.of(8, 5),
    "field-largest": Uint8Array.of(0xf8, 0xff, 0xff, 0xff, 0x0f, 1),
  };
}

/** A message within a message within a message, in one field. */
export function nested(tag: number, depth: number): Uint8Array {
  let bytes: Uint8Array = new Uint8Array(0);
  for (let level = 0; level < depth; level++) {
    const { length } = bytes;
    bytes = length < 128 ? bytesOf(tag, length, bytes) : bytesOf(tag, (length & 0x7f) | 0x80, length >> 7, bytes);
  }
  return bytes;
}
