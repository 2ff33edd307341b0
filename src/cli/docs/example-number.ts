import { ScalarType } from "@bufbuild/protobuf";
import type { Rules } from "../../rules/index.ts";

const wide: ReadonlySet<ScalarType> = new Set([
  ScalarType.INT64,
  ScalarType.UINT64,
  ScalarType.SINT64,
  ScalarType.FIXED64,
  ScalarType.SFIXED64,
]);
// What numbers of such names typically are.
const byName: readonly (readonly [RegExp, number])[] = [
  [/(^|_)(at|time|timestamp|date|created|updated|until)(_ms)?$/, 1_767_322_800_000],
  [/_ms$/, 1_500],
  [/(^|_)(id|seq|sequence|version|tick)$/, 4_211],
  [/(^|_)(price|amount|cost|score|gold|coins|points)$/, 250],
];

/** A number as the field of a name typically has it, within its rules; other ones for other places in a list. */
export function exampleNumber(type: ScalarType, name: string, rules: Rules, at: number): number | bigint {
  const some = [rules.value("const"), ...rules.list("in"), ...rules.list("example")].filter((one) => one !== undefined);
  const given = some[Math.min(at, some.length - 1)];
  if (given !== undefined) return given as number | bigint;
  const isFloat = type === ScalarType.FLOAT || type === ScalarType.DOUBLE;
  const usual = isFloat
    ? (seedOf(name) % 400) / 4
    : (byName.find(([pattern]) => pattern.test(name))?.[1] ?? 1 + (seedOf(name) % 99));
  const fits = isFloat || wide.has(type) || usual < 2 ** 31;
  const value = avoided(bounded((fits ? usual : Math.floor(usual / 1_000)) + at, rules, isFloat), rules);
  return wide.has(type) ? BigInt(Math.trunc(value)) : value;
}

function bounded(value: number, rules: Rules, isFloat: boolean): number {
  const step = isFloat ? 0.25 : 1;
  const low = lowOf(rules, step);
  const high = highOf(rules, step);
  if (low > high) return value >= low || value <= high ? value : low;
  if (value < low) return low;
  if (value <= high) return value;
  return Number.isFinite(low) ? low + (isFloat ? (high - low) / 2 : Math.floor((high - low) / 2)) : high;
}

function lowOf(rules: Rules, step: number): number {
  const over = rules.value("gt");
  return over === undefined ? Number(rules.value("gte") ?? Number.NEGATIVE_INFINITY) : Number(over) + step;
}

function highOf(rules: Rules, step: number): number {
  const under = rules.value("lt");
  return under === undefined ? Number(rules.value("lte") ?? Number.POSITIVE_INFINITY) : Number(under) - step;
}

function avoided(value: number, rules: Rules): number {
  const not = new Set(rules.list("not_in").map(Number));
  let free = value;
  while (not.has(free)) free++;
  return free;
}

/** A number that is the same for the same name (FNV-1a). */
function seedOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193) >>> 0;
  return hash;
}
