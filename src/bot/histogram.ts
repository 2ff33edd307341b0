/** How often each duration was seen, to within two percent, in little and bounded memory. */
export interface Histogram {
  readonly count: number;
  /** Of the longest, in milliseconds; 0 where there is none. */
  readonly maxMs: number;
  add(durationMs: number): void;
  /** The duration that this share (0 to 1) of all did not exceed, in milliseconds; 0 where there is none. */
  quantileMs(share: number): number;
  /** Of all together, in milliseconds. */
  readonly sumMs: number;
  /** What was counted, in a form that travels. */
  counts(): Counts;
  /** Counts what another has counted. */
  merge(counts: Counts): void;
  clear(): void;
  /** The counted durations, shortest first: how many lay at or under each limit, and over the one before. */
  bars(): readonly (readonly [toMs: number, count: number])[];
}

/** What a histogram has counted: which of its parts how often. */
export interface Counts {
  readonly parts: readonly (readonly [place: number, count: number])[];
  readonly maxMs: number;
  readonly sumMs: number;
}

// Microseconds: each power of two is divided into 64 equal parts, so a part is at most 1/64 of what lies in it.
const parts = 64;
const powers = 30;
const largest = 2 ** 31;

export function createHistogram(): Histogram {
  const counts = new Float64Array(parts * (powers + 1));
  let count = 0;
  let maxMs = 0;
  let sumMs = 0;
  return {
    get count() {
      return count;
    },
    get maxMs() {
      return maxMs;
    },
    get sumMs() {
      return sumMs;
    },
    counts() {
      const seen: [number, number][] = [];
      if (count > 0) for (let at = 0; at < counts.length; at++) if (counts[at]) seen.push([at, counts[at] ?? 0]);
      return { parts: seen, maxMs, sumMs };
    },
    merge(other) {
      for (const [at, seen] of other.parts) {
        counts[at] = (counts[at] ?? 0) + seen;
        count += seen;
      }
      maxMs = Math.max(maxMs, other.maxMs);
      sumMs += other.sumMs;
    },
    clear() {
      if (count > 0) counts.fill(0);
      count = maxMs = sumMs = 0;
    },
    add(durationMs) {
      const at = placeOf(Math.max(0, durationMs) * 1_000);
      counts[at] = (counts[at] ?? 0) + 1;
      count++;
      sumMs += durationMs;
      maxMs = Math.max(maxMs, durationMs);
    },
    quantileMs(share) {
      const wanted = Math.max(1, Math.ceil(share * count));
      let seen = 0;
      for (const [at, here] of counts.entries()) {
        seen += here;
        if (seen >= wanted) return Math.min(limitOf(at) / 1_000, maxMs);
      }
      return 0;
    },
    bars: () => [...counts.entries()].flatMap(([at, here]) => (here > 0 ? [[limitOf(at) / 1_000, here] as const] : [])),
  };
}

function placeOf(durationUs: number): number {
  if (durationUs < parts) return Math.floor(durationUs);
  const power = Math.min(31 - Math.clz32(Math.min(durationUs / parts, largest)), powers - 1);
  return parts * (power + 1) + Math.min(parts - 1, Math.floor(durationUs / 2 ** power) - parts);
}

function limitOf(place: number): number {
  const power = Math.floor(place / parts) - 1;
  return power < 0 ? place + 1 : (parts + (place % parts) + 1) * 2 ** power;
}
