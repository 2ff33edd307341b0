import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ByteWriter } from "../../src/contract/index.ts";

describe("ByteWriter", () => {
  test("holds what was written, whatever it began with", () => {
    const step = fc.oneof(
      fc.uint8Array({ maxLength: 30 }),
      fc.nat(255),
      fc.record({ truncate: fc.nat(100) }),
      fc.record({ reserve: fc.nat(20) }),
    );
    fc.assert(
      fc.property(fc.nat(20), fc.array(step, { maxLength: 20 }), (capacity, steps) => {
        const writer = new ByteWriter(capacity);
        let model: number[] = [];
        for (const one of steps) {
          if (one instanceof Uint8Array) {
            writer.bytes(one);
            model.push(...one);
          } else if (typeof one === "number") {
            writer.byte(one);
            model.push(one);
          } else if ("truncate" in one) {
            const length = Math.min(one.truncate, model.length);
            writer.truncate(length);
            model = model.slice(0, length);
          } else {
            const at = writer.reserve(one.reserve);
            expect(at).toBe(model.length);
            writer.buffer.fill(7, at, at + one.reserve);
            model.push(...new Array<number>(one.reserve).fill(7));
          }
          expect(writer.length).toBe(model.length);
        }
        expect([...writer.slice(0, writer.length)]).toEqual(model);
        expect([...writer.view(0, writer.length)]).toEqual(model);
      }),
      { numRuns: 300 },
    );
  });

  test("appends a copy; a slice is one, a view is none", () => {
    const writer = new ByteWriter(8);
    const bytes = Uint8Array.of(1, 2, 3);
    writer.bytes(bytes);
    bytes.fill(9);
    const slice = writer.slice(1, 3);
    const view = writer.view(1, 3);
    writer.buffer.fill(5);
    expect([...slice]).toEqual([2, 3]);
    expect([...view]).toEqual([5, 5]);
  });
});
