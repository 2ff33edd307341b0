import { deflateSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CompressionError, inflateZlib } from "../../src/compression/index.ts";

const body = new TextEncoder().encode("the quick brown fox jumps over the lazy dog. ".repeat(10));

describe.each([
  ["zlib", deflateSync],
  ["gzip", gzipSync],
])("hostile %s", (_name, pack) => {
  const packed = pack(body);
  const refused = (tooLarge: boolean): unknown => expect.objectContaining({ name: "CompressionError", tooLarge });

  test("a bomb is stopped at the limit, not after it", () => {
    const bomb = pack(new Uint8Array(256 * 1024 * 1024), { level: 9 });
    const before = process.memoryUsage().rss;
    expect(() => inflateZlib(bomb, 65_536)).toThrow(refused(true));
    expect(process.memoryUsage().rss - before).toBeLessThan(32 * 1024 * 1024);
  });

  test("a body cut at any place is refused", () => {
    for (let length = 0; length < packed.length; length++) {
      expect(() => inflateZlib(packed.subarray(0, length), 1_000)).toThrow(refused(false));
    }
  });

  test("a body with any byte changed is within the limit, or refused", () => {
    fc.assert(
      fc.property(fc.nat(packed.length - 1), fc.nat(255), (at, byte) => {
        try {
          expect(inflateZlib(Uint8Array.from(packed).with(at, byte), 500).length).toBeLessThanOrEqual(500);
        } catch (reason) {
          expect(reason).toBeInstanceOf(CompressionError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

test("what stands behind a body of zlib is left alone; behind one of gzip only gzip may stand", () => {
  const behind = (packed: Uint8Array): Uint8Array => inflateZlib(Buffer.concat([packed, Buffer.from("more")]), 1_000);
  expect(Uint8Array.from(behind(deflateSync(body)))).toEqual(body);
  expect(() => behind(gzipSync(body))).toThrow(CompressionError);
});

test("bodies of gzip behind each other share one limit", () => {
  const twice = Buffer.concat([gzipSync(body), gzipSync(body)]);
  expect(inflateZlib(twice, 2 * body.length)).toHaveLength(2 * body.length);
  expect(() => inflateZlib(twice, 2 * body.length - 1)).toThrow(expect.objectContaining({ tooLarge: true }));
});

test("a body that wants a dictionary is refused", () => {
  const bytes = deflateSync(body, { dictionary: Buffer.from("quick") });
  expect(() => inflateZlib(bytes, 1_000)).toThrow(expect.objectContaining({ tooLarge: false }));
});
