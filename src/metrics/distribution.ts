import type { Bucket } from "./sample.ts";

/** Values, sorted by their size. */
export interface Distribution {
  /** What is no number is left out. */
  observe(value: number): void;
  read(): { readonly buckets: readonly Bucket[]; readonly sum: number; readonly count: number };
}

/** @param bounds Upper bounds, rising. */
export function createDistribution(bounds: readonly number[]): Distribution {
  const counts = new Float64Array(bounds.length + 1);
  let sum = 0;
  let count = 0;
  return {
    observe(value) {
      if (Number.isNaN(value)) return;
      let at = 0;
      while (at < bounds.length && value > (bounds[at] ?? 0)) at++;
      counts[at] = (counts[at] ?? 0) + 1;
      sum += value;
      count++;
    },
    read() {
      let below = 0;
      const buckets = bounds.map((le, at) => {
        below += counts[at] ?? 0;
        return { le, count: below };
      });
      return { buckets, sum, count };
    },
  };
}
