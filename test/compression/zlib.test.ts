import { randomBytes } from "node:crypto";
import { deflateRawSync, deflateSync, gzipSync, inflateSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CompressionError, deflateZlib, inflateZlib } from "../../src/compression/index.ts";
import { bytesOf } from "../support/raw-peer.ts";

describe("inflating", () => {
  test.each([
    ["zlib", deflateSync],
    ["gzip", gzipSync],
  ])("%s is told by its header, and may have as much as the limit, no more", (_name, deflate) => {
    const bytes = deflate(new Uint8Array(1_000).fill(7));
    expect(inflateZlib(bytes, 1_000)).toHaveLength(1_000);
    expect(() => inflateZlib(bytes, 999)).toThrow(expect.objectContaining({ name: "CompressionError", tooLarge: true }));
  });

  test.each([
    ["no header", deflateRawSync(bytesOf("text"))],
    ["plain text", bytesOf('{"a":1}')],
    ["nothing", new Uint8Array(0)],
    ["half a stream", deflateSync(randomBytes(500)).subarray(0, 200)],
    ["a wrong checksum", deflateSync(bytesOf("text")).map((byte, at, all) => (at === all.length - 1 ? byte ^ 1 : byte))],
  ])("%s is refused", (_name, bytes) => {
    expect(() => inflateZlib(bytes, 1_000)).toThrow(expect.objectContaining({ name: "CompressionError", tooLarge: false }));
  });

  test("whatever comes, it inflates or is refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.constantFrom([0x78, 0x9c], [0x1f, 0x8b], []), (bytes, head) => {
        try {
          expect(inflateZlib(Uint8Array.from([...head, ...bytes]), 4_096).length).toBeLessThanOrEqual(4_096);
        } catch (reason) {
          expect(reason).toBeInstanceOf(CompressionError);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test("the slowest 64 KiB known, thousands of blocks that hold nothing, are refused", () => {
    const bytes = emptyBlocks(65_536);
    expect(() => inflateZlib(bytes, 65_536)).toThrow(CompressionError);
  });
});

describe("deflating", () => {
  test("what gets smaller has a zlib header, and comes back", () => {
    const bytes = bytesOf("hello ".repeat(300));
    const deflated = deflateZlib(bytes);
    expect(deflated?.[0]).toBe(0x78);
    expect(inflateSync(deflated ?? new Uint8Array(0)).toString()).toBe("hello ".repeat(300));
  });

  test("what would not is left alone", () => {
    expect(deflateZlib(randomBytes(2_000))).toBeUndefined();
    expect(deflateZlib(new Uint8Array(0))).toBeUndefined();
  });
});

/** A zlib stream of dynamic blocks with codes of their own and no data: each costs tables to be built, and 15 bytes to be sent. */
function emptyBlocks(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set([0x78, 0x9c]);
  let at = 16;
  const put = (value: number, bits: number): void => {
    for (let bit = 0; bit < bits; bit++, at++) if ((value >> bit) & 1) bytes[at >> 3] = (bytes[at >> 3] ?? 0) | (1 << (at & 7));
  };
  // The order in which lengths of code lengths come (RFC 1951, 3.2.7), up to the one for length 1.
  const order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1];
  while (at + 140 < length * 8) {
    put(0, 1);
    put(2, 2);
    put(0, 10);
    put(order.length - 4, 4);
    for (const symbol of order) put(symbol === 18 || symbol === 1 ? 1 : 0, 3);
    // 256 symbols without a code, then the end of the block and one distance, with a bit each.
    for (const zeros of [138, 118]) {
      put(1, 1);
      put(zeros - 11, 7);
    }
    put(0, 2);
    put(0, 1);
  }
  return bytes;
}
