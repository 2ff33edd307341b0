import type { Random } from "../clock/index.ts";
import type { LimitCounts } from "../metrics/index.ts";
import type { ResolvedLimits } from "./limits.ts";
import type { Pressure } from "./pressure.ts";
import { TokenBucket } from "./rate.ts";

/** How many handshakes a frontend takes on, and when the others are to come back. */
export interface Admission {
  /** Undefined: it is taken on. Otherwise the milliseconds to come back after. */
  admit(nowMs: number): number | undefined;
  /** When somebody who was sent away for another reason is to come back: each a little later than the one before. */
  later(nowMs: number): number;
}

const soonestMs = 1_000;
const latestMs = 30_000;

/** Hands out places: who is sent away gets one of the coming seconds, so that a storm comes back as a steady stream. */
export function createAdmission(
  limits: ResolvedLimits,
  options: { readonly random: Random; readonly pressure: Pressure; readonly hits: LimitCounts; readonly nowMs: number },
): Admission {
  const { random, pressure, hits } = options;
  const perSecond = limits.handshakesPerSecond;
  const bucket = new TokenBucket({ perSecond, burst: perSecond }, options.nowMs);
  const placeMs = 1_000 / perSecond;
  let lastPlaceMs = Number.NEGATIVE_INFINITY;

  function later(nowMs: number): number {
    const placeAtMs = Math.max(lastPlaceMs + placeMs, nowMs + soonestMs);
    const afterMs = placeAtMs - nowMs;
    // So far ahead nobody knows anything; and whoever floods must not push the others out for hours.
    if (afterMs > latestMs) return Math.round(latestMs * (0.5 + random.next() / 2));
    lastPlaceMs = placeAtMs;
    return Math.ceil(afterMs);
  }

  return {
    admit(nowMs) {
      const over = pressure.over ?? (bucket.take(nowMs, 1) ? undefined : "handshakesPerSecond");
      if (over === undefined) return undefined;
      hits[over]++;
      return later(nowMs);
    },
    later,
  };
}
