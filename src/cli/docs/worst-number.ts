import { type DescEnum, ScalarType } from "@bufbuild/protobuf";
import type { Rules } from "../../rules/index.ts";

const fixed: Partial<Record<ScalarType, number>> = {
  [ScalarType.BOOL]: 1,
  [ScalarType.FLOAT]: 4,
  [ScalarType.FIXED32]: 4,
  [ScalarType.SFIXED32]: 4,
  [ScalarType.DOUBLE]: 8,
  [ScalarType.FIXED64]: 8,
  [ScalarType.SFIXED64]: 8,
};
const longest: Partial<Record<ScalarType, readonly [least: bigint, most: bigint]>> = {
  [ScalarType.UINT32]: [0n, 2n ** 32n - 1n],
  [ScalarType.UINT64]: [0n, 2n ** 64n - 1n],
  [ScalarType.INT32]: [-(2n ** 31n), 2n ** 31n - 1n],
  [ScalarType.SINT32]: [-(2n ** 31n), 2n ** 31n - 1n],
};
const wide: readonly [bigint, bigint] = [-(2n ** 63n), 2n ** 63n - 1n];

/** The most bytes of a number, or a bool. */
export function worstNumber(type: ScalarType, rules: Rules): number {
  const bytes = fixed[type];
  if (bytes !== undefined) return bytes;
  const zigzag = type === ScalarType.SINT32 || type === ScalarType.SINT64;
  return Math.max(...extremes(rules, longest[type] ?? wide).map((value) => varintBytes(zigzag ? zigzagged(value) : value)));
}

/** The most bytes of a value of an enum. One that takes values that it does not name has ten, as a negative number. */
export function worstEnum({ open, values }: DescEnum, rules: Rules): number {
  const only = rules.value("const");
  const some = only === undefined ? rules.list("in") : [only];
  if (some.length === 0 && open && rules.value("defined_only") !== true) return varintBytes(-1n);
  const numbers = some.length > 0 ? some.map(whole) : values.map(({ number }) => BigInt(number));
  return Math.max(...numbers.map(varintBytes));
}

/** The values among which the longest is. */
function extremes(rules: Rules, [least, most]: readonly [bigint, bigint]): readonly bigint[] {
  const only = rules.value("const");
  if (only !== undefined) return [whole(only)];
  const some = rules.list("in");
  if (some.length > 0) return some.map(whole);
  const [over, under] = [rules.value("gte") ?? rules.value("gt"), rules.value("lte") ?? rules.value("lt")];
  const [low, high] = [over === undefined ? least : whole(over), under === undefined ? most : whole(under)];
  // Bounds the other way round leave out what is between them.
  if (low > high) return [least, most];
  const above = rules.value("gt") === undefined ? low : low + 1n;
  const below = rules.value("lt") === undefined ? high : high - 1n;
  return [above, below];
}

function whole(value: unknown): bigint {
  return BigInt(value as number | bigint);
}

function zigzagged(value: bigint): bigint {
  return value < 0n ? -value * 2n - 1n : value * 2n;
}

function varintBytes(value: bigint): number {
  if (value < 0n) return 10;
  return Math.max(1, Math.ceil(value.toString(2).length / 7));
}
