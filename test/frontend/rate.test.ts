import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RateLimit, TokenBucket } from "../../src/frontend/rate.ts";

/** How many of so many tries in a row go. */
function count(times: number, go: () => boolean): number {
  let gone = 0;
  for (let at = 0; at < times; at++) if (go()) gone++;
  return gone;
}

describe("a token bucket", () => {
  test("gives its burst at once, then what comes back", () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 20 }, 5_000);
    expect(count(30, () => bucket.take(5_000, 1))).toBe(20);
    expect(bucket.take(5_099, 1)).toBe(false);
    expect(bucket.take(5_100, 1)).toBe(true);
    expect(bucket.take(5_100, 1)).toBe(false);
    expect(count(30, () => bucket.take(60_000, 1))).toBe(20);
  });

  test("takes all of an amount, or nothing", () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 20 }, 0);
    expect([bucket.take(0, 21), bucket.take(0, 20), bucket.take(0, 1)]).toEqual([false, true, false]);
  });

  test("without a limit gives everything", () => {
    for (const bucket of [
      new TokenBucket({ perSecond: Infinity, burst: 5 }, 0),
      new TokenBucket({ perSecond: 5, burst: Infinity }, 0),
    ]) {
      expect(count(1_000, () => bucket.take(0, 1_000_000))).toBe(1_000);
    }
  });

  test("never gives more than burst and rate allow, whenever it is asked", () => {
    const asks = fc.array(fc.tuple(fc.nat(300), fc.nat(5)), { maxLength: 200 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 50 }), asks, (perSecond, burst, all) => {
        const bucket = new TokenBucket({ perSecond, burst }, 0);
        let now = 0;
        let given = 0;
        for (const [later, amount] of all) {
          now += later;
          if (bucket.take(now, amount)) given += amount;
        }
        expect(given).toBeLessThanOrEqual(burst + (now / 1_000) * perSecond + 1e-6);
      }),
    );
  });
});

describe("a rate limit", () => {
  /** What comes of sending at a steady rate for so many seconds: the share that passes, and when it is abuse. */
  function steady(perSecond: number, seconds: number): { readonly share: number; readonly abuseAt: number | undefined } {
    const limit = new RateLimit({ perSecond: 100, burst: 100 }, 0);
    let passed = 0;
    for (let at = 0; at < perSecond * seconds; at++) {
      const pace = limit.pace((at * 1_000) / perSecond, 1);
      if (pace === "abuse") return { share: passed / at, abuseAt: at / perSecond };
      if (pace === "within") passed++;
    }
    return { share: passed / (perSecond * seconds), abuseAt: undefined };
  }

  test("who sends too fast gets the allowed rate through, for ever", () => {
    expect(steady(100, 60)).toEqual({ share: 1, abuseAt: undefined });
    const { share, abuseAt } = steady(190, 60);
    expect(abuseAt).toBeUndefined();
    expect(share).toBeCloseTo(100 / 190, 1);
  });

  test("three times the rate is abuse after five seconds, a flood at once", () => {
    const { abuseAt = 0 } = steady(300, 60);
    expect(abuseAt).toBeGreaterThan(4.5);
    expect(abuseAt).toBeLessThan(6.5);
    expect(steady(100_000, 1).abuseAt).toBeLessThan(0.01);
  });
});
