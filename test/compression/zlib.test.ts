import { deflateRawSync, deflateSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CompressionError, inflateZlib } from "../../src/compression/index.ts";

const body = new TextEncoder().encode("the quick brown fox jumps over the lazy dog. ".repeat(10));

/** What inflating throws. Fails where it throws nothing, or anything else. */
function refusal(bytes: Uint8Array, maxBytes = 1_000): CompressionError {
  try {
    inflateZlib(bytes, maxBytes);
  } catch (reason) {
    if (reason instanceof CompressionError) return reason;
    throw reason;
  }
  throw new Error("it was inflated");
}

describe("inflateZlib()", () => {
  test("what is deflated comes back, at any level", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), fc.integer({ min: 0, max: 9 }), (bytes, level) => {
        expect(Uint8Array.from(inflateZlib(deflateSync(bytes, { level }), 2_000))).toEqual(Uint8Array.from(bytes));
      }),
    );
  });

  test("takes a body at the limit, refuses one byte more as too large", () => {
    for (const size of [1, 1_000, 65_536]) {
      const deflated = deflateSync(new Uint8Array(size));
      expect(inflateZlib(deflated, size)).toHaveLength(size);
      if (size > 1) expect(refusal(deflated, size - 1)).toMatchObject({ tooLarge: true, message: /over \d+ bytes/ });
    }
  });

  test("stops a bomb at the limit, not after it", () => {
    const bomb = deflateSync(new Uint8Array(256 * 1024 * 1024), { level: 9 });
    const before = process.memoryUsage().rss;
    expect(refusal(bomb, 65_536).tooLarge).toBe(true);
    expect(process.memoryUsage().rss - before).toBeLessThan(32 * 1024 * 1024);
  });

  test("refuses a body cut at any place", () => {
    const deflated = deflateSync(body);
    for (let length = 0; length < deflated.length; length++) expect(refusal(deflated.subarray(0, length)).tooLarge).toBe(false);
  });

  test.each([
    ["nothing", new Uint8Array(0)],
    ["a body that is not deflated", body],
    ["deflate without zlib's head", deflateRawSync(body)],
    ["a wrong checksum", deflateSync(body).with(-1, deflateSync(body).at(-1) === 0 ? 1 : 0)],
    ["a dictionary that nobody has", deflateSync(body, { dictionary: Buffer.from("quick") })],
  ])("refuses %s", (_what, bytes) => {
    expect(refusal(bytes)).toMatchObject({ name: "CompressionError", tooLarge: false, message: "the body does not inflate" });
  });

  test("what stands behind the body is left alone, as the servers of the family do", () => {
    expect(Uint8Array.from(inflateZlib(Buffer.concat([deflateSync(body), Buffer.from("more")]), 1_000))).toEqual(body);
  });

  test("any bytes give a body within the limit, or CompressionError", () => {
    const damaged = fc.tuple(fc.nat(), fc.nat(255)).map(([at, byte]) => {
      const deflated = deflateSync(body);
      return deflated.with(at % deflated.length, byte);
    });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), damaged), (bytes) => {
        try {
          expect(inflateZlib(bytes, 500).length).toBeLessThanOrEqual(500);
        } catch (reason) {
          expect(reason).toBeInstanceOf(CompressionError);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
