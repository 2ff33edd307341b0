import type { Documentation, Sizes } from "./documentation.ts";

/** The sizes of one message in two revisions; undefined where it was not, or is no more. */
export interface SizeChange {
  readonly message: string;
  readonly before: Sizes | undefined;
  readonly after: Sizes | undefined;
}

/** The messages whose sizes are others, those that are gone, and new ones: by name. */
export function compareSizes(before: Documentation, after: Documentation): SizeChange[] {
  const [old, now] = [sizesOf(before), sizesOf(after)];
  return [...new Set([...old.keys(), ...now.keys()])]
    .sort()
    .map((message) => ({ message, before: old.get(message), after: now.get(message) }))
    .filter(({ before: was, after: is }) => !was || !is || !isSame(was, is));
}

function sizesOf({ messages }: Documentation): ReadonlyMap<string, Sizes> {
  return new Map(messages.map(({ desc, sizes }) => [desc.typeName, sizes]));
}

function isSame(one: Sizes, other: Sizes): boolean {
  const worst = ({ worst: bytes }: Sizes): number | string => (typeof bytes === "number" ? bytes : bytes.unbounded);
  return one.typical === other.typical && one.typicalJson === other.typicalJson && worst(one) === worst(other);
}
