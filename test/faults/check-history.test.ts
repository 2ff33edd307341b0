import { describe, expect, test } from "vitest";
import { checkHistory } from "./check-history.ts";
import type { Asked, Handled, Heard, History, Released } from "./history.ts";

const asked = (number: number, more: Partial<Asked> = {}): Asked => ({
  ...{ id: `a/${number}`, client: "a", number, session: 0, kind: "owned", key: "k", sentMs: number * 10 },
  ...{ endedMs: number * 10 + 5, outcome: "ok", server: "one" },
  ...more,
});
const handled = (number: number, more: Partial<Handled> = {}): Handled => ({
  ...{ id: `a/${number}`, kind: "owned", key: "k", server: "one", atMs: number * 10 + 1, skewMs: 0 },
  ...more,
});
const note = (number: number, more: Partial<Heard> = {}): Heard => ({
  ...{ client: "a", session: 0, stream: "note", what: `a/${number}`, atMs: number * 10 + 2 },
  ...more,
});
const tick = (what: number, more: Partial<Heard> = {}): Heard => ({
  ...{ client: "a", session: 0, stream: "one", what, atMs: what },
  ...more,
});

function history(numbers: readonly number[]): { asked: Asked[]; handled: Handled[]; released: Released[]; heard: Heard[] } {
  return {
    asked: numbers.map((number) => asked(number)),
    handled: numbers.map((number) => handled(number)),
    released: [],
    heard: [...numbers.map((number) => note(number)), tick(7), tick(8), tick(9)],
  };
}

function broken(change: (one: ReturnType<typeof history>) => void): readonly string[] {
  const one = history([0, 1, 2]);
  change(one);
  return checkHistory(one);
}

describe("a history where every promise was kept", () => {
  test.each<[string, (one: ReturnType<typeof history>) => void]>([
    ["whole", () => {}],
    ["with a failure that nobody has handled", (one) => one.asked.push(asked(3, { outcome: "unavailable" }))],
    [
      "with a failure that was handled",
      (one) => {
        one.asked.push(asked(3, { outcome: "unavailable" }));
        one.handled.push(handled(3));
      },
    ],
    ["whose logs lie in another order", (one) => one.handled.reverse()],
    [
      "where a failed one begins late elsewhere",
      (one) => {
        one.asked[1] = asked(1, { outcome: "deadline_exceeded" });
        one.handled[1] = handled(1, { server: "two", kind: "any", atMs: 99 });
        one.heard.splice(1, 1);
      },
    ],
    [
      "where a key goes, and comes back when it was let go",
      (one) => {
        one.asked[1] = asked(1, { server: "two" });
        one.handled[1] = handled(1, { server: "two" });
        one.released.push({ key: "k", server: "one", atMs: 5 }, { key: "k", server: "two", atMs: 15 });
      },
    ],
    [
      "where what waited for a new session begins after what that has sent",
      (one) => {
        one.asked[2] = asked(2, { session: 1 });
        one.handled[1] = handled(1, { atMs: 23 });
        one.asked[1] = asked(1, { endedMs: 25 });
      },
    ],
    ["where a new session hears other ticks", (one) => one.heard.push(tick(3, { session: 1 }), tick(4, { session: 1 }))],
  ])("%s", (_name, change) => {
    expect(broken(change)).toEqual([]);
  });
});

describe("a history where one was not", () => {
  test.each<[string, (one: ReturnType<typeof history>) => void, string]>([
    ["a request without an end", (one) => delete one.asked[1]?.endedMs, "a/1 never ended"],
    ["a request that hangs", (one) => one.asked.splice(1, 1, asked(1, { endedMs: 30_000 })), "a/1 took 29990 ms"],
    ["an answer out of nothing", (one) => one.handled.splice(1, 1), "a/1 was answered, and nobody has handled it"],
    ["a request that is handled twice", (one) => one.handled.push(handled(2)), "a/2 (ok) was handled by one and one"],
    [
      "a failure that is handled twice",
      (one) => {
        one.asked.push(asked(3, { outcome: "unavailable" }));
        one.handled.push(handled(3), handled(3, { kind: "any", server: "two" }));
      },
      "a/3 (unavailable) was handled by one and two",
    ],
    [
      "an answer in another's name",
      (one) => one.asked.splice(1, 1, asked(1, { server: "two" })),
      "a/1 was answered by two, and handled by one",
    ],
    [
      "one that was never sent, and handled",
      (one) => {
        one.asked.push(asked(3, { outcome: "unavailable", unsent: true }));
        one.handled.push(handled(3));
      },
      "a/3 was never sent, and one has handled it",
    ],
    ["a call of nobody", (one) => one.handled.push(handled(9)), "a/9 was handled, and nobody asked"],
    ["a request asked twice", (one) => one.asked.push(asked(2)), "a/2 was asked twice: the load is wrong"],
    ["order lost on a server", (one) => one.handled.splice(0, 1, handled(0, { atMs: 15 })), "a#0 at one: a/0 after a/1"],
    [
      "order lost over servers",
      (one) => {
        one.asked[0] = asked(0, { server: "two" });
        one.handled[0] = handled(0, { server: "two", kind: "any", atMs: 15 });
      },
      "a#0 (answered): a/0 after a/1",
    ],
    [
      "a key with two homes",
      (one) => {
        one.asked[1] = asked(1, { server: "two" });
        one.handled[1] = handled(1, { server: "two" });
      },
      "key k: one has handled it at 21, when it was another's already",
    ],
    ["a note that comes twice", (one) => one.heard.push(note(1)), "the note of a/1 came 2 times"],
    ["a note that is lost", (one) => one.heard.splice(1, 1), "a/1 was answered without its note"],
    ["a note that is late", (one) => one.heard.splice(1, 1, note(1, { atMs: 16 })), "the note of a/1 came after its answer"],
    ["a tick twice", (one) => one.heard.push(tick(9)), "a#0 of one: tick 9 after 9"],
    ["a tick left out", (one) => one.heard.push(tick(11)), "a#0 of one: tick 11 after 9"],
    ["ticks out of order", (one) => one.heard.push(tick(8)), "a#0 of one: tick 8 after 9"],
  ])("%s", (_name, change, words) => {
    expect(broken(change)).toContain(words);
  });

  test("has nothing to say of an empty one", () => {
    const empty: History = { asked: [], handled: [], released: [], heard: [] };
    expect(checkHistory(empty)).toEqual([]);
  });
});
