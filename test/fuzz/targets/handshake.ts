import {
  asciiJson,
  clientFamily,
  encodeHandshakeAnswer,
  encodeHandshakeRequest,
  encodeKick,
  HandshakeError,
  parseHandshakeAnswer,
  parseHandshakeRequest,
  parseKick,
} from "../../../src/handshake/index.ts";
import { bytesOf as vectorBytes, vectors } from "../../vectors/vectors.ts";
import { bytesOf, holds, type Target } from "../engine/target.ts";

const json = (value: unknown): Uint8Array => bytesOf(JSON.stringify(value));

const jsonTokens = [
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  '"',
  "null",
  "true",
  "false",
  "0",
  "-1",
  "1e999",
  '"__proto__":',
  '"constructor":',
  "\\u0000",
  "\\ud800",
  "[[[[",
  '{"a":',
  "\ufeff",
];

const bodies = (type: number): Record<string, Uint8Array> => {
  const all: Record<string, Uint8Array> = {};
  for (const [index, one] of [...vectors.valid, ...vectors.invalid].entries()) {
    const bytes = vectorBytes(one);
    if (one.scope !== "message" && bytes[0] === type) all[`${one.id}-${index}`] = bytes.subarray(4);
  }
  return all;
};

/** Wrong in ways that any JSON may be. */
const wrong: Readonly<Record<string, Uint8Array>> = {
  empty: bytesOf(),
  null: bytesOf("null"),
  array: bytesOf("[]"),
  text: bytesOf('"sys"'),
  "no-utf8": bytesOf('{"sys":"', 0xff, '"}'),
  bom: bytesOf("\ufeff{}"),
  proto: bytesOf('{"__proto__":{"x":1},"sys":{"__proto__":{"platform":"p"},"constructor":{"prototype":{"x":1}}}}'),
  deep: bytesOf(`{"sys":${"[".repeat(600)}`),
  "deep-and-closed": bytesOf(`{"user":{"a":${"[".repeat(500)}${"]".repeat(500)}}}`),
  twice: bytesOf('{"sys":{"type":"a"},"sys":{"type":"b"}}'),
  "sys-null": json({ sys: null }),
  "sys-array": json({ sys: [] }),
  "sys-number": json({ sys: 1 }),
};

/** What a client says first. */
export const handshakeRequest: Target = {
  name: "handshake-request",
  throws: HandshakeError,
  maxBytes: 4_092,
  tokens: [
    ...jsonTokens,
    '"sys":',
    '"user":',
    '"nano":{',
    '"resume":{',
    '"inflate":["zlib"]',
    '"serializer":"protobuf"',
    '"codes":',
    '"v":',
  ],
  seeds() {
    const nano = { v: 1, fingerprint: "f".repeat(16), codes: true, inflate: ["zlib"], resume: { ticket: "t", received: 7 } };
    return {
      ...bodies(1),
      ...wrong,
      pitaya: json({
        sys: { platform: "mac", libVersion: "0.3.5-release", clientBuildNumber: "20", clientVersion: "2.1" },
        user: { age: 30 },
      }),
      "pomelo-js": json({ sys: { type: "js-websocket", version: "0.0.1", rsa: {} }, user: {} }),
      libpomelo: json({ sys: { type: "uv_tcp", version: "0.0.1" } }),
      nano: json({ sys: { platform: "js", serializer: "protobuf", nano } }),
      "nano-of-nulls": json({ sys: { nano: { v: null, fingerprint: null, inflate: null, resume: null } }, user: null }),
      "nano-codes-text": json({ sys: { nano: { codes: "yes" } } }),
      "nano-inflate-mixed": json({ sys: { nano: { inflate: ["zlib", 1, null, { a: 1 }] } } }),
      "nano-resume-text": json({ sys: { nano: { resume: "t" } } }),
      "nano-received-huge": bytesOf('{"sys":{"nano":{"resume":{"ticket":"t","received":1e400}}}}'),
      "nano-v-text": json({ sys: { nano: { v: "1" } } }),
      "user-array": json({ user: [] }),
      "user-deep": json({ user: { a: { b: { c: { d: [1, "é", null] } } } } }),
      "platform-number": json({ sys: { platform: 1 } }),
      unknown: json({ sys: { more: 1, type: "x" }, more: [] }),
    };
  },
  run(bytes) {
    const request = parseHandshakeRequest(bytes);
    const family = clientFamily(request);
    holds(["nano", "pitaya", "pomelo", "other"].includes(family), `the family ${family}`);
    holds(typeof asciiJson(request) === "boolean", "neither ASCII nor not");
    const again = parseHandshakeRequest(encodeHandshakeRequest(request));
    holds(clientFamily(again) === family, "it is written as another");
    const { received = 0 } = request.sys.nano?.resume ?? {};
    holds(
      Number.isFinite(received) && (request.sys.nano?.inflate ?? []).every((name) => typeof name === "string"),
      "a wrong type",
    );
  },
};

/** What a server answers. */
export const handshakeAnswer: Target = {
  name: "handshake-answer",
  throws: HandshakeError,
  maxBytes: 65_532,
  tokens: [...jsonTokens, '"sys":', '"code":', '"dict":{', '"heartbeat":', '"nano":{', '"retry":{"afterMs":', '"a.b":1', "65536"],
  seeds() {
    const nano = { v: 1, session: "s", ticket: "t", windowMs: 60_000, epoch: 1, received: 2, resumed: true };
    const sys = { heartbeat: 10, dict: { "room.room.join": 1, "a.b": 65_535 }, serializer: "json" };
    return {
      ...bodies(1),
      ...wrong,
      written: encodeHandshakeAnswer({ code: 200, sys: { ...sys, nano } }),
      reset: encodeHandshakeAnswer({
        code: 200,
        sys: { ...sys, nano: { ...nano, resumed: false, reset: "expired", dictionary: "known" } },
      }),
      retry: encodeHandshakeAnswer({ code: 503, sys: { ...sys, nano: { ...nano, retry: { afterMs: 500, url: "wss://é" } } } }),
      refused: json({ code: 400, sys, message: "the handshake cannot be read" }),
      "dict-of-texts": json({ code: 200, sys: { dict: { a: "1" } } }),
      "dict-too-large": json({ code: 200, sys: { dict: { a: 65_536 } } }),
      "dict-half": json({ code: 200, sys: { dict: { a: 1.5 } } }),
      "dict-proto": bytesOf('{"code":200,"sys":{"dict":{"__proto__":1,"constructor":2}}}'),
      "dict-array": json({ code: 200, sys: { dict: [1] } }),
      "heartbeat-text": json({ code: 200, sys: { heartbeat: "10" } }),
      "heartbeat-huge": bytesOf('{"code":200,"sys":{"heartbeat":1e308}}'),
      "retry-text": json({ code: 503, sys: { nano: { retry: "soon" } } }),
    };
  },
  run(bytes) {
    const answer = parseHandshakeAnswer(bytes);
    const { dict, heartbeat } = answer.sys;
    holds(Number.isFinite(answer.code) && Number.isFinite(heartbeat), "no number");
    for (const code of Object.values(dict)) holds(Number.isInteger(code) && code >= 0 && code <= 0xffff, `the code ${code}`);
    const written = encodeHandshakeAnswer(answer);
    holds(
      written.every((byte) => byte < 0x80),
      "not ASCII",
    );
    holds(JSON.stringify(parseHandshakeAnswer(written)) === JSON.stringify(answer), "it is written as another");
  },
};

/** What a server says before it closes. Whatever it is, it is a kick. */
export const kick: Target = {
  name: "kick",
  throws: undefined,
  maxBytes: 65_532,
  tokens: [...jsonTokens, '"code":', '"reason":', '"moved"'],
  seeds: () => ({
    ...bodies(5),
    ...wrong,
    written: encodeKick({ code: "moved", reason: "the server stops: connect again" }),
    wide: encodeKick({ code: "own", reason: "é \u{1f600}" }),
    "code-number": json({ code: 1, reason: "r" }),
    "reason-null": json({ code: "busy", reason: null }),
    "reason-object": json({ code: "busy", reason: {} }),
    "code-alone": json({ code: "busy" }),
  }),
  run(bytes) {
    const { code, reason } = parseKick(bytes);
    holds(typeof code === "string" && typeof reason === "string", "a kick without words");
  },
};
