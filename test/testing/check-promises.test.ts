import {
  checkPromises,
  type Seen,
  type SeenAsked,
  type SeenHeard,
  type SeenRun,
  type SeenSession,
  type SeenState,
} from "nano-rpc/testing";
import { describe, expect, test } from "vitest";

const at = { atMs: 1_000 };
const state = (more: Partial<SeenState>): SeenState => ({
  ...{ ...at, what: "state", client: "ann", before: "idle", state: "connecting", via: undefined, session: undefined, why: "" },
  ...more,
});
const opened = (more: Partial<SeenState> = {}): SeenState =>
  state({ before: "connecting", state: "open", via: "first", session: "s1", ...more });
const asked = (call: number, more: Partial<SeenAsked> = {}): SeenAsked => ({
  ...{ ...at, what: "asked", client: "ann", call, route: "pay", text: `${call}`, idempotent: false, timeoutMs: 5_000 },
  ...more,
});
const settled = (call: number, more: object = {}): Seen => ({
  ...{ ...at, what: "settled", client: "ann", call, outcome: "ok", sent: true, message: "" },
  ...more,
});
const ran = (call: number, more: Partial<SeenRun> = {}): SeenRun => ({
  ...{ ...at, what: "ran", server: "room", life: 1, session: "s1", route: "pay", text: `${call}` },
  ...{ serial: true, idempotent: false, attempt: 0 },
  ...more,
});
const session = (event: SeenSession["event"], more: Partial<SeenSession> = {}): SeenSession => ({
  ...{ ...at, what: "session", server: "room", life: 1, session: "s1", event, reason: undefined },
  ...more,
});
const heard = (number: number, more: Partial<SeenHeard> = {}): SeenHeard => ({
  ...{ ...at, what: "heard", client: "ann", session: "s1", route: "tick", text: `${number}` },
  place: { stream: "room", number, delivery: "replay" },
  ...more,
});
const latest = (number: number): SeenHeard => heard(number, { place: { stream: "score", number, delivery: "latest" } });

/** Everything as it should be: two requests, three pushes, and the end. */
const begin: readonly Seen[] = [state({}), opened(), session("opened")];
const middle: readonly Seen[] = [asked(1), asked(2), ran(1), ran(2), heard(1), settled(1), settled(2), heard(2)];
const end: readonly Seen[] = [session("closed"), state({ before: "open", state: "closed" })];
const whole = [...begin, ...middle, ...end];

const again = { idempotent: true };
const of = (more: readonly Seen[]): Seen[] => [...begin, ...middle, ...more, ...end];

describe("what is seen where every promise was kept", () => {
  test.each<[string, readonly Seen[]]>([
    ["nothing", []],
    ["all as it should be", whole],
    ["a failure that nobody has handled", of([asked(3), settled(3, { outcome: "unavailable" })])],
    ["a failure that was handled", of([asked(3), ran(3), settled(3, { outcome: "unavailable" })])],
    ["an idempotent one that is handled again", of([asked(3, again), ran(3, again), ran(3, again), settled(3)])],
    ["the newest of a key alone", of([latest(1), latest(7)])],
    [
      "a session that is resumed",
      [
        ...begin,
        ...middle,
        state({ before: "open", state: "waiting" }),
        session("paused"),
        state({ before: "waiting" }),
        session("resumed"),
        opened({ via: "resume" }),
        heard(3),
        ...end,
      ],
    ],
    [
      "a server that was killed, and has not told of an end",
      [...begin, ...middle, { ...at, what: "crashed", server: "room", life: 1 }],
    ],
  ])("%s", (_name, seen) => {
    expect(checkPromises(seen)).toEqual([]);
  });
});

describe("what is seen where one was not", () => {
  test.each<[string, readonly Seen[], string]>([
    ["a request without an end", of([asked(3)]), "ann #3 (pay) never settled"],
    [
      "a request that hangs",
      of([asked(3), settled(3, { atMs: 7_001, outcome: "internal" })]),
      "ann #3 (pay) took 6001 ms, and had 5000",
    ],
    ["two ends", of([settled(2)]), "ann #2 (pay) settled 2 times"],
    ["an answer out of nothing", of([asked(3), settled(3)]), "ann #3: pay 3 was answered, and nobody has handled it"],
    ["a request that is handled twice", of([ran(2)]), "ann #2: pay 2 was handled by room and room"],
    [
      "one that was never sent, and handled",
      of([asked(3), ran(3), settled(3, { outcome: "unavailable", sent: false })]),
      "ann #3: pay 3 was never sent, and room has handled it",
    ],
    ["a call of nobody", of([ran(9)]), "pay 9 was handled by room, and nobody sent it"],
    ["order lost", of([asked(3), asked(4), ran(4), ran(3), settled(3), settled(4)]), "s1 at room: #3 pay 3 after #4 pay 4"],
    [
      "a leap",
      [...whole, state({ before: "closed", state: "open", via: "first", session: "s2" })],
      "ann went from closed (it says closed) to open",
    ],
    [
      "a resume with another session",
      [
        ...begin,
        ...middle,
        state({ before: "open", state: "waiting" }),
        state({ before: "waiting" }),
        opened({ via: "resume", session: "s2" }),
        ...end,
      ],
      "ann is open by resume, with another session",
    ],
    [
      "a reset with the same",
      [
        ...begin,
        ...middle,
        state({ before: "open", state: "waiting" }),
        state({ before: "waiting" }),
        opened({ via: "reset" }),
        ...end,
      ],
      "ann is open by reset, with the session that it had",
    ],
    ["a push after the end", [...whole, heard(3)], "ann heard tick 3 without a session"],
    ["a push twice", of([heard(2)]), "ann (s1) of tick room: 2 after 2"],
    ["a push left out", of([heard(4)]), "ann (s1) of tick room: 4 after 2, and none between"],
    ["older than the newest", of([latest(7), latest(6)]), "ann (s1) of tick score: 6 after 7"],
    ["a session that never ends", [...begin, ...middle], "s1 at room: never closed"],
    ["a session that ends twice", [...whole, session("closed")], "s1 at room: closed when it was closed"],
    ["a handler after the end", of([]).concat(asked(3), ran(3), settled(3)), "s1 at room: ran when it was closed"],
    ["a pause without a session", [session("paused")], "s1 at room: paused when it was not open yet"],
    ["a resume without a pause", of([session("resumed")]), "s1 at room: resumed when it was open"],
  ])("%s", (_name, seen, words) => {
    expect(checkPromises(seen)).toContain(words);
  });

  test("in the middle of things what is under way is not late", () => {
    expect(checkPromises([...begin, asked(1), ran(1)], { over: false })).toEqual([]);
  });
});
