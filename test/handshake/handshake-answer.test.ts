import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeHandshakeAnswer, type HandshakeAnswer, HandshakeError, parseHandshakeAnswer } from "../../src/handshake/index.ts";
import { anyBytes, anyJson, bytesOf } from "./json.ts";

const parse = (text: string): HandshakeAnswer => parseHandshakeAnswer(bytesOf(text));
const sys = { heartbeat: 10, dict: {}, serializer: "json" };

const text = fc.string({ unit: "grapheme", maxLength: 10 });
const anyAnswer: fc.Arbitrary<HandshakeAnswer> = fc.record(
  {
    code: fc.nat(999),
    sys: fc.record(
      {
        heartbeat: fc.nat(100),
        dict: fc.dictionary(fc.oneof(text, fc.constantFrom("__proto__", "toString")), fc.nat(0xffff), { maxKeys: 4 }),
        serializer: text,
        nano: fc.record(
          {
            v: fc.nat(9),
            session: text,
            ticket: text,
            windowMs: fc.nat(),
            epoch: fc.nat(),
            received: fc.nat(),
            resumed: fc.boolean(),
            reset: text,
            dictionary: text,
            retry: fc.record({ afterMs: fc.nat(), url: text }),
          },
          { requiredKeys: ["v", "session", "ticket", "windowMs", "epoch", "received", "resumed"] },
        ),
      },
      { requiredKeys: ["heartbeat", "dict", "serializer"] },
    ),
    message: text,
  },
  { requiredKeys: ["code", "sys"] },
);

describe("encodeHandshakeAnswer()", () => {
  test("is read back as it was, and is ASCII alone, which nobody garbles", () => {
    fc.assert(
      fc.property(anyAnswer, (answer) => {
        const bytes = encodeHandshakeAnswer(answer);
        expect(Math.max(...bytes)).toBeLessThan(0x7f);
        const back = parseHandshakeAnswer(bytes);
        expect(JSON.parse(JSON.stringify(back))).toEqual(JSON.parse(JSON.stringify(answer)));
        expect(Object.entries(back.sys.dict)).toEqual(Object.entries(answer.sys.dict));
      }),
      { numRuns: 300 },
    );
  });

  test("is JSON that any client of the family reads: control characters and pairs are escaped", () => {
    const bytes = encodeHandshakeAnswer({ code: 400, sys, message: 'a\u0000\u007f\u2028\u00e9\u{1f600}"\\' });
    expect(Buffer.from(bytes).toString("latin1")).toContain('"a\\u0000\\u007f\\u2028\\u00e9\\ud83d\\ude00\\"\\\\"');
  });
});

describe("parseHandshakeAnswer()", () => {
  test("has defaults for all that other servers leave out", () => {
    expect(parse("{}")).toMatchObject({
      code: 0,
      sys: { heartbeat: 0, serializer: "json", nano: undefined },
      message: undefined,
    });
    expect(parse('{"code":200,"sys":{"heartbeat":30,"dict":null,"nano":null},"message":null}')).toMatchObject({
      code: 200,
      sys: { heartbeat: 30 },
    });
    expect(parse('{"sys":{"nano":{}}}').sys.nano).toEqual({
      v: 1,
      session: "",
      ticket: "",
      windowMs: 0,
      epoch: 0,
      received: 0,
      resumed: false,
      reset: undefined,
      dictionary: undefined,
      retry: undefined,
    });
    expect(parse('{"sys":{"nano":{"retry":{}}}}').sys.nano?.retry).toEqual({ afterMs: 0, url: undefined });
  });

  test("any bytes, and any JSON, are an answer or HandshakeError", () => {
    const names = ["code", "sys", "heartbeat", "dict", "serializer", "nano", "retry", "afterMs", "message", "resumed"];
    fc.assert(
      fc.property(fc.oneof(anyBytes, anyJson(names)), (bytes) => {
        try {
          expect(parseHandshakeAnswer(bytes).sys).toHaveProperty("dict");
        } catch (reason) {
          expect(reason).toBeInstanceOf(HandshakeError);
        }
      }),
      { numRuns: 3_000 },
    );
  });

  test.each(["0", "65535"])("takes %s as a code of the dictionary", (code) => {
    expect(parse(`{"sys":{"dict":{"a.b":${code}}}}`).sys.dict["a.b"]).toBe(Number(code));
  });
  test.each(["65536", "-1", "1.5", '"1"', "null", "1e400"])("refuses %s as a code of the dictionary", (code) => {
    expect(() => parse(`{"sys":{"dict":{"a.b":${code}}}}`)).toThrow(HandshakeError);
  });

  test("a dictionary has its own routes alone", () => {
    const { dict } = parse('{"sys":{"dict":{"__proto__":7}}}').sys;
    expect(Object.entries(dict)).toEqual([["__proto__", 7]]);
    expect(dict["toString"]).toBeUndefined();
  });

  test("resumed is true only where it is true", () => {
    for (const value of ["1", '"true"', "{}", "null"])
      expect(parse(`{"sys":{"nano":{"resumed":${value}}}}`).sys.nano?.resumed).toBe(false);
    expect(parse('{"sys":{"nano":{"resumed":true}}}').sys.nano?.resumed).toBe(true);
  });
});
