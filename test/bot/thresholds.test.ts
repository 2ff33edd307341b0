import { describe, expect, test } from "vitest";
import { judge } from "../../src/bot/judge.ts";
import type { Figures } from "../../src/bot/report.ts";
import { parseThreshold, type Thresholds, thresholdsOf } from "../../src/bot/thresholds.ts";

const durations = { p50Ms: 5, p95Ms: 20, p99Ms: 62, maxMs: 90 };
const figures: Figures = {
  busy: [0.5],
  ...{
    users: 2,
    answered: 999,
    failed: 1,
    all: durations,
    distribution: [],
    drops: 4,
    returns: { resume: 2, moved: 1, reset: 1 },
  },
  calls: [
    { route: "a.b.c", answered: 900, failed: 0, errors: {}, ...durations, p99Ms: 30 },
    { route: "a.b.d", answered: 99, failed: 1, errors: { internal: 1 }, ...durations },
  ],
  pushes: [
    { route: "a.b.e", expected: 10, came: 9, duplicates: 0, ...durations },
    // Followed, but none was due: what came is not of those that were.
    { route: "a.b.f", expected: 0, came: 7, duplicates: 3, p50Ms: 0, p95Ms: 0, p99Ms: 0, maxMs: 0 },
  ],
  checks: [
    { what: "the price is right", held: 9, failed: 1 },
    { what: "the name is", held: 10, failed: 0 },
  ],
  ...{ broken: {}, samples: [] },
};

function breaches(given: Thresholds, seen: Figures = figures): readonly string[] {
  return judge(seen, thresholdsOf({ checks: 0, ...given })).flatMap(({ holds, words }) => (holds ? [] : [words]));
}

describe("thresholds", () => {
  test.each<[string, string | undefined]>([
    ["p99<63ms", undefined],
    ["p99 < 62 ms", "p99 is 62 ms, not less than 62 ms"],
    ["p99<=0.062s", undefined],
    ["p99(a.b.c)<=30ms", undefined],
    ["p99(a.b.d)<50ms", "p99 of a.b.d is 62 ms, more than 50 ms"],
    ["max(a.b.x)<50ms", "max of a.b.x is unknown: no call was answered"],
    ["errors<=0.1%", undefined],
    ["errors(a.b.d)<1%", "1 % of the calls of a.b.d failed, not less than 1 %"],
    ["errors(a.b.x)<1%", "errors of a.b.x are unknown: nobody called it"],
    ["delivered=100%", "90 % of the expected pushes came (9 of 10), not 100 %"],
    ["delivered>=0.9", undefined],
    ["duplicates=0", "3 pushes came twice, not 0"],
    ["push_p99<100ms", undefined],
    ["resumed>=100%", "75 % of the connections that broke were resumed (3 of 4), less than 100 %"],
    ["checks=100%", "95 % of the checks held (not: the price is right), not 100 %"],
  ])("%s", (text, breach) => {
    const words = breach?.replace("more than 50 ms", "not less than 50 ms");
    expect(breaches({ also: [text] })).toEqual(words === undefined ? [] : [words]);
  });

  test("as numbers they say the same", () => {
    const given: Thresholds = {
      p99Ms: 50,
      errors: 0,
      delivered: 1,
      duplicates: 0,
      pushP99Ms: 50,
      resumed: 1,
      routes: { "a.b.c": { p95Ms: 10 } },
    };
    expect(breaches(given)).toEqual([
      "p99 is 62 ms, more than 50 ms",
      "0.1 % of the calls failed, more than 0 %",
      "p95 of a.b.c is 20 ms, more than 10 ms",
      "90 % of the expected pushes came (9 of 10), less than 100 %",
      "3 pushes came twice, more than 0",
      "push_p99 is 62 ms, more than 50 ms",
      "75 % of the connections that broke were resumed (3 of 4), less than 100 %",
    ]);
  });

  test("a check that does not hold fails a run where nothing was said of checks, and one nobody came into fails anyhow", () => {
    expect(judge(figures, thresholdsOf({})).map(({ holds }) => holds)).toEqual([true, false]);
    const empty: Figures = { ...figures, answered: 0, calls: [], pushes: [], checks: [], drops: 0 };
    expect(breaches({ also: ["resumed=1", "push_p99<1s"] }, empty)).toEqual([
      "nobody came in",
      "no connection broke, so none could be resumed",
      "push_p99 is unknown: no push came whose time is known",
    ]);
  });

  test.each([
    ["p99", "is no threshold"],
    ["p99<", "is no threshold"],
    ["p99<-1ms", "is no threshold"],
    ["p97<1ms", "there are p50, p95, p99, max, push_p99, errors, delivered, duplicates, resumed, checks"],
    ["duplicates<1%", "duplicates is a number, not a share"],
    ["resumed(a.b.c)=1", "resumed is not about one route"],
  ])("%s is refused", (text, words) => {
    expect(() => parseThreshold(text)).toThrow(words);
  });
});
