import type { HistogramSample } from "../metrics/index.ts";

/** Values of a histogram that came since the last time, told one by one. */
export interface Timing {
  /** In milliseconds where the histogram is in seconds. Otherwise as it is. */
  readonly value: number;
  /** How often it is told. */
  readonly times: number;
  /** Which share of those that came that is; 1: all of them. */
  readonly rate: number;
}

// Of one series, each time: what a few packets hold.
const mostTold = 1_000;

/**
 * What of a histogram is told as timings: of each bucket its upper bound, for the last, which has none, that of the one before. No more than a share, and of every
 * bucket the same, so that percentiles stay; at least one of each that has grown. How many came is in the rate exactly.
 *
 * @param grown How many values a bucket has got since the last time.
 */
export function* timingsOf(
  { name, buckets, count }: HistogramSample,
  sampleRate: number,
  grown: (bucket: number, count: number) => number,
): Iterable<Timing> {
  const inMs = name.endsWith("_seconds") ? 1_000 : 1;
  const ends = [...buckets, { le: buckets.at(-1)?.le ?? 0, count }];
  const came = ends.map((bucket, at) => grown(at, bucket.count - (ends[at - 1]?.count ?? 0)));
  const all = came.reduce((sum, of) => sum + of, 0);
  const share = Math.min(sampleRate, mostTold / Math.max(all, 1));
  for (const [at, { le }] of ends.entries()) {
    const of = came[at] ?? 0;
    if (of <= 0) continue;
    const times = Math.max(1, Math.round(of * share));
    yield { value: le * inMs, times, rate: times / of };
  }
}
