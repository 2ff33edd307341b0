import { ScalarType } from "@bufbuild/protobuf";
import type { FieldRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import fc from "fast-check";
import { type RangeRules, rulesFor } from "../rules/index.ts";

const smalls: ReadonlyMap<ScalarType, readonly [number, number]> = new Map([
  [ScalarType.INT32, [-0x8000_0000, 0x7fff_ffff]],
  [ScalarType.SINT32, [-0x8000_0000, 0x7fff_ffff]],
  [ScalarType.SFIXED32, [-0x8000_0000, 0x7fff_ffff]],
  [ScalarType.UINT32, [0, 0xffff_ffff]],
  [ScalarType.FIXED32, [0, 0xffff_ffff]],
] as const);
const larges: ReadonlyMap<ScalarType, readonly [bigint, bigint]> = new Map([
  [ScalarType.INT64, [-(2n ** 63n), 2n ** 63n - 1n]],
  [ScalarType.SINT64, [-(2n ** 63n), 2n ** 63n - 1n]],
  [ScalarType.SFIXED64, [-(2n ** 63n), 2n ** 63n - 1n]],
  [ScalarType.UINT64, [0n, 2n ** 64n - 1n]],
  [ScalarType.FIXED64, [0n, 2n ** 64n - 1n]],
] as const);
// Rules of numbers are named as their types are.
const kinds = Object.values(ScalarType)
  .filter((type) => typeof type === "string")
  .map((type) => type.toLowerCase());

/** The least and the largest value of a number's type; undefined for what is no integer. */
export function rangeOf(type: ScalarType): readonly [number, number] | readonly [bigint, bigint] | undefined {
  return smalls.get(type) ?? larges.get(type);
}

/** A number within its rules. Undefined: the type is no number. */
export function numberArbitrary(type: ScalarType, rules: FieldRules | undefined): fc.Arbitrary<number | bigint> | undefined {
  const small = smalls.get(type);
  if (small)
    return within(rulesFor<RangeRules<number>>(rules, ...kinds), small, addSmall, (min, max) => fc.integer({ min, max }));
  const large = larges.get(type);
  if (large) return within(rulesFor<RangeRules<bigint>>(rules, ...kinds), large, addLarge, (min, max) => fc.bigInt({ min, max }));
  if (type !== ScalarType.FLOAT && type !== ScalarType.DOUBLE) return undefined;
  return realArbitrary(type, rulesFor<RangeRules<number>>(rules, ...kinds));
}

const addSmall = (value: number, step: 1 | -1): number => value + step;
const addLarge = (value: bigint, step: 1 | -1): bigint => value + BigInt(step);

function within<N extends number | bigint>(
  rules: RangeRules<N> | undefined,
  [least, largest]: readonly [N, N],
  add: (value: N, step: 1 | -1) => N,
  make: (min: N, max: N) => fc.Arbitrary<N>,
): fc.Arbitrary<N> {
  if (rules?.const !== undefined) return fc.constant(rules.const);
  if (rules && rules.in.length > 0) return fc.constantFrom(...rules.in);
  const { lessThan, greaterThan } = rules ?? {};
  const above = greaterThan?.case === "gt" ? add(greaterThan.value, 1) : (greaterThan?.value ?? least);
  const below = lessThan?.case === "lt" ? add(lessThan.value, -1) : (lessThan?.value ?? largest);
  if (above <= below) return make(above, below);
  // Rules that exclude a range: what is outside of it.
  return fc.oneof(make(least, below), make(above, largest));
}

function realArbitrary(type: ScalarType, rules: RangeRules<number> | undefined): fc.Arbitrary<number> {
  const real = (constraints: fc.DoubleConstraints): fc.Arbitrary<number> =>
    type === ScalarType.FLOAT ? fc.double(constraints).map(Math.fround) : fc.double(constraints);
  if (rules?.const !== undefined) return fc.constant(rules.const);
  if (rules && rules.in.length > 0) return fc.constantFrom(...rules.in);
  const { lessThan, greaterThan } = rules ?? {};
  if (lessThan?.case === undefined && greaterThan?.case === undefined) return real({});
  const noNaN = true;
  const above = greaterThan?.case && { min: greaterThan.value, minExcluded: greaterThan.case === "gt" };
  const below = lessThan?.case && { max: lessThan.value, maxExcluded: lessThan.case === "lt" };
  if (above && below && above.min >= below.max) return fc.oneof(real({ noNaN, ...above }), real({ noNaN, ...below }));
  return real({ noNaN, ...above, ...below });
}
