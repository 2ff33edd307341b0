import fc from "fast-check";

/** How many items a list has. */
export interface Bounds {
  readonly minLength: number;
  readonly maxLength: number;
}

// How many lists in a row may have too few that differ.
const mostMisses = 1_000;

/**
 * Lists whose items all differ in what `by` gives of them. fast-check's own go on for ever where there are fewer values than a list must have: these give up after 1,000 tries in a row.
 *
 * @param what What the list is, in the Error that is thrown then.
 */
export function uniqueArbitrary<T>(
  what: string,
  item: fc.Arbitrary<T>,
  { minLength, maxLength }: Bounds,
  by: (item: T) => unknown,
): fc.Arbitrary<T[]> {
  let misses = 0;
  return fc
    .array(item, { minLength, maxLength: maxLength + minLength })
    .map((items) => differing(items, by).slice(0, maxLength))
    .filter(({ length }) => {
      const enough = length >= minLength;
      misses = enough ? 0 : misses + 1;
      if (misses >= mostMisses) throw new Error(`${what} must have ${minLength} that differ, which chance does not meet`);
      return enough;
    });
}

function differing<T>(items: readonly T[], by: (item: T) => unknown): T[] {
  const seen = new Set<unknown>();
  return items.filter((item) => {
    const key = comparable(by(item));
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

// Bytes are the same where they hold the same.
function comparable(value: unknown): unknown {
  return value instanceof Uint8Array ? `0x${Buffer.from(value).toString("hex")}` : value;
}
