import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { conversations, cut, type FrameForm, first, frame } from "./frames.ts";
import { type Reading, readByLane, readPlainly } from "./readings.ts";

const maxPayload = 300;
const maxFragments = 4;

/** Reads both ways, and gives how many messages took the short one. */
function expectSame(whole: Uint8Array, places: readonly number[], masked: boolean): number {
  const reading: Reading = { pieces: cut(whole, places), masked, maxPayload, maxFragments };
  const [plain, lane] = [readPlainly(reading), readByLane(reading)];
  expect(lane.said).toEqual(plain.said);
  expect(lane.error).toEqual(plain.error);
  return lane.short;
}

describe.each([
  ["of a client", { masked: true }],
  ["of a server", { masked: false }],
] as const)("frames %s, by the lane and by `ws` alone", (_whose, form: FrameForm & { readonly masked: boolean }) => {
  test.each(Object.entries(conversations(maxPayload, form)))("%s", (_what, whole) => {
    expectSame(whole, [], form.masked);
    expectSame(whole, Array.from(whole.keys()), form.masked);
    for (let place = 1; place < Math.min(whole.length, 100); place++) {
      expectSame(whole, [place], form.masked);
      expectSame(whole, [whole.length - place], form.masked);
    }
  });

  test("any of these one after another, cut anywhere, and with bytes changed", () => {
    const all = Object.values(conversations(maxPayload, form));
    const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
    let short = 0;
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...all), { minLength: 1, maxLength: 4 }),
        fc.array(fc.nat(), { maxLength: 6 }),
        fc.oneof(fc.constant([]), fc.array(change, { maxLength: 3 })),
        (parts, places, changes) => {
          const whole = Uint8Array.from(Buffer.concat(parts));
          for (const [at, byte] of changes) if (whole.length > 0) whole[at % whole.length] = byte;
          short += expectSame(whole, places, form.masked);
        },
      ),
      { numRuns: 3_000 },
    );
    expect(short).toBeGreaterThan(1_000);
  });

  test("whole messages do not reach `ws`: not behind a ping, nor behind the rest of one that was cut", () => {
    const one = frame(first.binary, "a message", form);
    const ping = frame(first.ping, "p", form);
    const whole = Uint8Array.from(Buffer.concat([one, ping, one, one]));
    expect(expectSame(whole, [], form.masked)).toBe(3);
    expect(expectSame(whole, [one.length + ping.length + 9], form.masked)).toBe(2);
    // Cut in its header, it is held until that is whole.
    expect(expectSame(whole, [one.length + ping.length + 1], form.masked)).toBe(3);
  });

  test("behind a text and behind fragments they do, in the same read, and no more in the next", () => {
    const one = frame(first.binary, "a message", form);
    const text = frame(first.text, "a text", form);
    const pieces = [frame(first.beginBinary, "a", form), frame(first.end, "b", form)];
    for (const doubtful of [text, Uint8Array.from(Buffer.concat(pieces))]) {
      const whole = Uint8Array.from(Buffer.concat([one, doubtful, one, one]));
      expect(expectSame(whole, [], form.masked)).toBe(1);
      expect(expectSame(whole, [one.length + doubtful.length + one.length], form.masked)).toBe(2);
    }
  });
});
