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
  // In an array, since a variable that closures share is a new object with each new number.
  const sum = new Float64Array(1);
  let count = 0;
  return {
    observe(value) {
      if (Number.isNaN(value)) return;
      let at = 0;
      while (at < bounds.length && value > (bounds[at] ?? 0)) at++;
      counts[at] = (counts[at] ?? 0) + 1;
      sum[0] = (sum[0] ?? 0) + value;
      count++;
    },
    read() {
      let below = 0;
      const buckets = bounds.map((le, at) => {
        below += counts[at] ?? 0;
        return { le, count: below };
      });
      return { buckets, sum: sum[0] ?? 0, count };
    },
  };
}
