import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { rendezvous } from "../../src/router/index.ts";

const servers = (count: number): { id: string }[] => Array.from({ length: count }, (_, at) => ({ id: `room-${at + 1}` }));
const keys = Array.from({ length: 10_000 }, (_, at) => `key-${at}`);
const home = (key: string, among: readonly { id: string }[]): string | undefined => rendezvous(key, among)?.id;

describe("rendezvous()", () => {
  test("leads nowhere where there is nobody, and to the one where there is one", () => {
    expect(rendezvous("k", [])).toBeUndefined();
    expect(home("k", [{ id: "only" }])).toBe("only");
  });

  // Other processes, and other versions, must come to the same: these were computed by another implementation of MurmurHash3.
  test.each([
    ["", "room-3"],
    ["lobby", "room-5"],
    ["42", "room-3"],
    ["ключ", "room-3"],
    ["\u{1f600}", "room-2"],
  ])("the key %j leads, of five, to %s", (key, id) => expect(home(key, servers(5))).toBe(id));

  test("does not look at the order, or at who else is there", () => {
    const ids = fc.uniqueArray(fc.string({ maxLength: 8 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(fc.string(), ids, fc.nat(), (key, all, gone) => {
        const list = all.map((id) => ({ id }));
        const found = home(key, list);
        expect(home(key, [...list].reverse())).toBe(found);
        const without = list.filter((_, at) => at !== gone % list.length);
        if (list[gone % list.length]?.id !== found) expect(home(key, without)).toBe(found);
      }),
      { numRuns: 500 },
    );
  });

  test("of two that hash to the same the first by id is it, whatever their order", () => {
    const two = [{ id: "room-82757" }, { id: "room-88130" }];
    expect([home("lobby", two), home("lobby", [...two].reverse())]).toEqual(["room-82757", "room-82757"]);
  });

  test("a server that goes moves its own keys alone, evenly; one that comes takes its share of each", () => {
    const before = new Map(keys.map((key) => [key, home(key, servers(5))]));
    const moved = new Map<string, number>();
    for (const key of keys) {
      const now = home(key, servers(6));
      if (now === before.get(key)) continue;
      expect(now).toBe("room-6");
      const from = before.get(key) ?? "";
      moved.set(from, (moved.get(from) ?? 0) + 1);
    }
    expect(moved.size).toBe(5);
    // A sixth of about 2,000 each; eight standard deviations.
    for (const count of moved.values()) expect(Math.abs(count - 333)).toBeLessThan(140);
  });

  test.each([
    ["names that differ by a number", servers(5)],
    ["names that differ in length", ["a", "bb", "ccc", "dddd", "eeeee"].map((id) => ({ id }))],
    ["addresses", [1, 2, 3, 4, 5].map((at) => ({ id: `10.0.0.${at}:7000` }))],
  ])("shares keys evenly among %s", (_what, among) => {
    const counts = new Map<string, number>();
    for (const key of keys) counts.set(home(key, among) ?? "", (counts.get(home(key, among) ?? "") ?? 0) + 1);
    expect(counts.size).toBe(5);
    // 2,000 each; eight standard deviations.
    for (const count of counts.values()) expect(Math.abs(count - 2_000)).toBeLessThan(320);
  });
});
