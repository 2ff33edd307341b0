import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  asciiJson,
  clientFamily,
  encodeHandshakeRequest,
  HandshakeError,
  type HandshakeRequest,
  inflatesZlib,
  parseHandshakeRequest,
  usesCodes,
} from "../../src/handshake/index.ts";
import { anyBytes, anyJson, bytesOf } from "./json.ts";

const parse = (text: string): HandshakeRequest => parseHandshakeRequest(bytesOf(text));
const nano = (text: string): HandshakeRequest["sys"]["nano"] => parse(`{"sys":{"nano":${text}}}`).sys.nano;

describe("parseHandshakeRequest()", () => {
  test("gives back what encodeHandshakeRequest() wrote", () => {
    const text = fc.string({ unit: "grapheme", maxLength: 10 });
    const request = fc.record(
      {
        sys: fc.record(
          {
            platform: text,
            libVersion: text,
            clientBuildNumber: text,
            clientVersion: text,
            type: text,
            version: text,
            serializer: text,
            nano: fc.record({
              v: fc.nat(),
              fingerprint: text,
              codes: fc.boolean(),
              inflate: fc.array(text, { maxLength: 3 }),
              dictionary: text,
              resume: fc.record({ ticket: text, received: fc.nat() }),
            }),
          },
          { requiredKeys: [] },
        ),
        user: fc.dictionary(text, fc.oneof(text, fc.integer(), fc.boolean()), { maxKeys: 3 }),
      },
      { requiredKeys: ["sys"] },
    );
    fc.assert(
      fc.property(request, (given) => {
        // undefined and absent are the same on the wire.
        expect(JSON.parse(JSON.stringify(parseHandshakeRequest(encodeHandshakeRequest(given))))).toEqual(
          JSON.parse(JSON.stringify(given)),
        );
      }),
      { numRuns: 300 },
    );
  });

  test("any bytes, and any JSON, are a handshake or HandshakeError", () => {
    fc.assert(
      fc.property(
        fc.oneof(anyBytes, anyJson(["sys", "user", "nano", "resume", "inflate", "codes", "v", "ticket", "type"])),
        (bytes) => {
          try {
            expect(parseHandshakeRequest(bytes)).toHaveProperty("sys");
          } catch (reason) {
            expect(reason).toBeInstanceOf(HandshakeError);
          }
        },
      ),
      { numRuns: 3_000 },
    );
  });

  test.each([
    ["sys", "[]"],
    ["sys", '"x"'],
    ["user", "5"],
    ["user", "[]"],
    ...["platform", "libVersion", "clientBuildNumber", "clientVersion", "type", "version", "serializer"].map((name) => [
      name,
      "5",
    ]),
    ["type", '["js"]'],
    ["nano", "true"],
  ])("%s that is %s is refused", (name, value) => {
    const text = name === "sys" || name === "user" ? `{"${name}":${value}}` : `{"sys":{"${name}":${value}}}`;
    expect(() => parse(text)).toThrow(HandshakeError);
  });

  test.each([
    '{"v":"1"}',
    '{"v":1e400}',
    '{"codes":1}',
    '{"fingerprint":[]}',
    '{"dictionary":1}',
    '{"resume":"t"}',
    '{"resume":{"ticket":1}}',
    '{"resume":{"received":"1"}}',
  ])("nano that is %s is refused", (text) => void expect(() => nano(text)).toThrow(HandshakeError));

  test("null is as absent, everywhere", () => {
    const empty = parse('{"sys":{"nano":{}}}');
    const nulls = '{"v":null,"fingerprint":null,"codes":null,"inflate":null,"dictionary":null,"resume":null}';
    expect(parse(`{"user":null,"sys":{"type":null,"serializer":null,"nano":${nulls}}}`)).toEqual(empty);
    expect(empty.sys.nano).toMatchObject({ v: 1, codes: undefined, inflate: undefined, resume: undefined });
    expect(parse('{"sys":null}')).toEqual(parse("{}"));
    expect(nano('{"resume":{}}')?.resume).toEqual({ ticket: "", received: 0 });
  });

  test("of inflate only the texts count, and it may be anything else", () => {
    expect(nano('{"inflate":["zlib",5,null,"br"]}')?.inflate).toEqual(["zlib", "br"]);
    expect(nano('{"inflate":"zlib"}')?.inflate).toBeUndefined();
  });

  test("names of every object are not names of this one", () => {
    const request = parse('{"__proto__":{"sys":{"type":"js"}},"sys":{"__proto__":{"serializer":"x"},"constructor":1}}');
    expect(request.sys).toMatchObject({ type: undefined, serializer: undefined });
    const { user } = parse('{"user":{"__proto__":{"admin":true}}}');
    expect(user).not.toHaveProperty("admin");
    expect({}).not.toHaveProperty("admin");
  });

  test("what every object inherits is not what the client said", () => {
    Object.defineProperty(Object.prototype, "serializer", { value: "protobuf", configurable: true });
    try {
      expect(parse('{"sys":{}}').sys.serializer).toBeUndefined();
    } finally {
      Reflect.deleteProperty(Object.prototype, "serializer");
    }
  });

  test("nesting ends the handshake, never the stack", () => {
    for (const open of ["[", '{"a":']) expect(() => parse(`{"user":${open.repeat(100_000)}`)).toThrow(HandshakeError);
    expect(parse(`{"user":{"a":${"[".repeat(30_000)}${"]".repeat(30_000)}}}`).user).toHaveProperty("a");
  });

  test.each([
    ["no UTF-8", Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d)],
    ["a surrogate in UTF-8", Uint8Array.of(0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x3a, 0x31, 0x7d)],
    ["UTF-16", Uint8Array.from(Buffer.from("{}", "utf16le"))],
    ["nothing", new Uint8Array(0)],
    ["two objects", bytesOf("{}{}")],
  ])("%s is refused", (_what, bytes) => {
    expect(() => parseHandshakeRequest(bytes)).toThrow(HandshakeError);
  });

  test("a byte order mark before it is fine", () => expect(parse("\ufeff{}").sys.type).toBeUndefined());
});

describe("what a client is", () => {
  const is = ({ sys }: HandshakeRequest): unknown => [
    clientFamily({ sys }),
    { ascii: asciiJson({ sys }), codes: usesCodes({ sys }), inflates: inflatesZlib({ sys }) },
  ];
  const no = { ascii: false, codes: false, inflates: false };

  test.each([
    ["pomelo in a browser", { type: "js-websocket", version: "1.2" }, ["pomelo", { ...no, ascii: true, codes: true }]],
    ["pomelo in C", { type: "libpomelo2", version: "0.6" }, ["pomelo", no]],
    [
      "pitaya in C",
      { platform: "mac", libVersion: "0.3.5-release", clientBuildNumber: "20" },
      ["pitaya", { ...no, inflates: true }],
    ],
    ["pitaya with a build alone", { clientBuildNumber: "20" }, ["pitaya", no]],
    ["a nano client that says nothing of itself", { nano: { v: 1 } }, ["nano", no]],
    [
      "a nano client",
      { platform: "mac", libVersion: "1", nano: { v: 1, codes: true, inflate: ["zlib"] } },
      ["nano", { ...no, codes: true, inflates: true }],
    ],
    [
      "a nano client that inflates something else",
      { platform: "mac", libVersion: "1", nano: { v: 1, inflate: ["br"] } },
      ["nano", no],
    ],
    ["a stranger", {}, ["other", no]],
  ])("%s", (_what, sys, expected) => expect(is({ sys })).toEqual(expected));
});
