import fc from "fast-check";
import { expect, test } from "vitest";
import { createHistogram } from "../../src/bot/histogram.ts";

test("quantiles are within two percent, or a microsecond, of the true ones, and never below", () => {
  const durations = fc.array(fc.double({ min: 0, max: 600_000, noNaN: true }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(durations, fc.constantFrom(0.01, 0.5, 0.95, 0.99, 1), (all, share) => {
      const histogram = createHistogram();
      for (const one of all) histogram.add(one);
      const exact = all.toSorted((a, b) => a - b)[Math.max(1, Math.ceil(share * all.length)) - 1] ?? 0;
      expect(histogram.quantileMs(share)).toBeGreaterThanOrEqual(exact);
      expect(histogram.quantileMs(share)).toBeLessThanOrEqual(exact * 1.02 + 0.001);
      expect(histogram.maxMs).toBe(Math.max(...all));
    }),
  );
});

test("an empty one says 0, and the longest durations have a place", () => {
  const histogram = createHistogram();
  expect(histogram.quantileMs(0.99)).toBe(0);
  histogram.add(1e12);
  expect(histogram.count).toBe(1);
  expect(histogram.quantileMs(1)).toBeGreaterThan(60_000_000);
});
