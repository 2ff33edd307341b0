import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeKick, parseKick } from "../../src/handshake/index.ts";
import { anyBytes, anyJson, bytesOf } from "./json.ts";

describe("a kick", () => {
  test("is read back as it was, in ASCII", () => {
    const text = fc.string({ unit: "grapheme", maxLength: 20 });
    fc.assert(
      fc.property(text, text, (code, reason) => {
        const bytes = encodeKick({ code, reason });
        expect(Math.max(...bytes)).toBeLessThan(0x7f);
        expect(parseKick(bytes)).toEqual({ code, reason });
      }),
    );
  });

  test.each([
    ["an empty one, as Pitaya sends it", "", { code: "unknown", reason: "" }],
    ["no JSON", "bye", { code: "unknown", reason: "" }],
    ["no object", '"bye"', { code: "unknown", reason: "" }],
    ["pomelo's", '{"reason":"kicked"}', { code: "unknown", reason: "kicked" }],
    ["a code alone", '{"code":"moved"}', { code: "moved", reason: "" }],
    ["a code that is no text", '{"code":5,"reason":"r"}', { code: "unknown", reason: "" }],
    ["more than is known", '{"code":"busy","reason":"r","afterMs":5}', { code: "busy", reason: "r" }],
  ])("%s", (_what, text, kick) => expect(parseKick(bytesOf(text))).toEqual(kick));

  test("any bytes, and any JSON, are a kick", () => {
    fc.assert(
      fc.property(fc.oneof(anyBytes, anyJson(["code", "reason"])), (bytes) => {
        expect(parseKick(bytes)).toEqual({ code: expect.any(String), reason: expect.any(String) });
      }),
      { numRuns: 1_000 },
    );
  });
});
