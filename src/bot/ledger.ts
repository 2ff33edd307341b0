import { createHistogram, type Histogram } from "./histogram.ts";
import type { CallReport, Durations, PushReport, Sample } from "./report.ts";

/** Writes down what bots saw. */
export interface Ledger {
  /** Not among the calls: how long the way in takes says little about them. */
  connected(durationMs: number): void;
  answered(route: string, durationMs: number): void;
  failed(route: string, code: string): void;
  came(route: string, durationMs: number): void;
  lost(route: string): void;
  /** A run that ended early, and why. */
  broke(why: string): void;
  /** What happened since the last sample. */
  sample(atMs: number, users: number): Sample;
  readonly total: Histogram;
  calls(): readonly CallReport[];
  pushes(): readonly PushReport[];
  readonly broken: ReadonlyMap<string, number>;
}

/** The way in, where it stands among the routes. */
export const connecting = "(connect)";

// Texts may hold names or numbers, and must not fill the memory.
const maxTexts = 20;

export function createLedger(): Ledger {
  const calls = new Map<string, { readonly took: Histogram; readonly errors: Map<string, number> }>();
  const pushes = new Map<string, { readonly took: Histogram; lost: number }>();
  const broken = new Map<string, number>();
  const total = createHistogram();
  let recent = createHistogram();
  let recentFailed = 0;
  let sampledMs = 0;

  const callsOf = (route: string) => entry(calls, route, () => ({ took: createHistogram(), errors: new Map<string, number>() }));
  const pushesOf = (route: string) => entry(pushes, route, () => ({ took: createHistogram(), lost: 0 }));

  return {
    total,
    broken,
    connected: (durationMs) => callsOf(connecting).took.add(durationMs),
    answered(route, durationMs) {
      for (const histogram of [callsOf(route).took, total, recent]) histogram.add(durationMs);
    },
    failed(route, code) {
      increment(callsOf(route).errors, code);
      recentFailed++;
    },
    came: (route, durationMs) => pushesOf(route).took.add(durationMs),
    lost(route) {
      pushesOf(route).lost++;
    },
    broke: (why) => increment(broken, broken.has(why) || broken.size < maxTexts ? why : "others"),
    sample(atMs, users) {
      const perSecond = (recent.count * 1_000) / Math.max(1, atMs - sampledMs);
      const sample = { atMs, users, perSecond, failed: recentFailed, ...durationsOf(recent) };
      sampledMs = atMs;
      recent = createHistogram();
      recentFailed = 0;
      return sample;
    },
    calls: () =>
      [...calls].map(([route, { took, errors }]) => {
        const failed = [...errors.values()].reduce((sum, count) => sum + count, 0);
        return { route, answered: took.count, failed, errors: Object.fromEntries(errors), ...durationsOf(took) };
      }),
    pushes: () =>
      [...pushes].map(([route, { took, lost }]) => ({
        ...{ route, expected: took.count + lost, came: took.count },
        ...durationsOf(took),
      })),
  };
}

export function durationsOf(histogram: Histogram): Durations {
  const [p50Ms, p95Ms, p99Ms] = [0.5, 0.95, 0.99].map((share) => histogram.quantileMs(share)) as [number, number, number];
  return { p50Ms, p95Ms, p99Ms, maxMs: histogram.maxMs };
}

function entry<V>(map: Map<string, V>, key: string, make: () => V): V {
  const there = map.get(key);
  if (there) return there;
  const made = make();
  map.set(key, made);
  return made;
}

function increment(map: Map<string, number>, key: string): void {
  map.set(key, (map.get(key) ?? 0) + 1);
}
