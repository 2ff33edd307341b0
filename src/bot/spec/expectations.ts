import { isDeepStrictEqual } from "node:util";
import type { JsonValue } from "@bufbuild/protobuf";
import type { JsonSchema, SpecExpectation, SpecOperation } from "./spec.ts";
import { cast, follow, jsonOf, type Known } from "./values.ts";

/** What of an answer is not as it should be, in words; undefined where all is. */
export function unmet({ expect, schema }: SpecOperation, known: Known): string | undefined {
  for (const [path, wanted] of Object.entries(expect ?? {})) {
    const seen = follow(path.slice("$response".length), known.response);
    const words = compare(seen, wanted, known);
    if (words !== undefined)
      return `${path} ${words}, but ${seen === undefined ? "there is none" : `it is ${JSON.stringify(seen)}`}`;
  }
  return schema ? misshapen(known.response ?? null, schema, "$response") : undefined;
}

/** What it should be, where it is not. */
function compare(seen: JsonValue | undefined, wanted: SpecExpectation, known: Known): string | undefined {
  const { op = "eq" } = wanted;
  if (op === "exists") {
    const should = wanted.value !== false;
    return (seen !== undefined) === should ? undefined : should ? "should be there" : "should not be there";
  }
  const value = jsonOf(wanted, known);
  const words = `should be ${op === "eq" ? "" : `${op} `}${JSON.stringify(value)}`;
  if (seen === undefined) return words;
  return holds(seen, op, value, wanted.type) ? undefined : words;
}

function holds(seen: JsonValue, op: string, value: JsonValue, type: string): boolean {
  if (op === "contains") {
    if (typeof seen === "string") return typeof value === "string" && seen.includes(value);
    return Array.isArray(seen) && seen.some((one) => isDeepStrictEqual(one, value));
  }
  if (op === "matches") return typeof seen === "string" && new RegExp(String(value)).test(seen);
  const equal = isDeepStrictEqual(type === "int" && typeof seen === "number" ? cast(seen, type) : seen, value);
  if (op === "eq" || op === "ne") return equal === (op === "eq");
  if (typeof seen !== typeof value || (typeof seen !== "number" && typeof seen !== "string")) return false;
  const [less, more] = [seen < (value as typeof seen), seen > (value as typeof seen)];
  if (op === "lt" || op === "gt") return op === "lt" ? less : more;
  return op === "lte" ? !more : !less;
}

/** What does not fit a schema, in words; undefined where all does. */
function misshapen(value: JsonValue, schema: JsonSchema, at: string): string | undefined {
  const { type, properties = {}, required = [], items } = schema;
  if (type !== undefined && !isOf(value, type)) return `${at} should be of type ${type}, but it is ${JSON.stringify(value)}`;
  if (schema.enum && !schema.enum.some((one) => isDeepStrictEqual(one, value)))
    return `${at} should be one of ${JSON.stringify(schema.enum)}, but it is ${JSON.stringify(value)}`;
  const size = typeof value === "string" || Array.isArray(value) ? value.length : undefined;
  const bounds: readonly (readonly [string, number | undefined, number | undefined, number | undefined])[] = [
    ["its value", typeof value === "number" ? value : undefined, schema.minimum, schema.maximum],
    ["its length", typeof value === "string" ? size : undefined, schema.minLength, schema.maxLength],
    ["its number of items", Array.isArray(value) ? size : undefined, schema.minItems, schema.maxItems],
  ];
  for (const [what, seen, least, most] of bounds) {
    if (seen !== undefined && seen < (least ?? seen)) return `${at}: ${what} should be at least ${least}, but it is ${seen}`;
    if (seen !== undefined && seen > (most ?? seen)) return `${at}: ${what} should be at most ${most}, but it is ${seen}`;
  }
  if (schema.pattern !== undefined && typeof value === "string" && !new RegExp(schema.pattern).test(value))
    return `${at} should match ${schema.pattern}, but it is ${JSON.stringify(value)}`;
  if (Array.isArray(value)) {
    for (const [index, one] of value.entries()) {
      const words = items && misshapen(one, items, `${at}[${index}]`);
      if (words !== undefined) return words;
    }
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const missing = required.find((name) => !Object.hasOwn(value, name));
  if (missing !== undefined) return `${at}.${missing} should be there, but there is none`;
  for (const [name, one] of Object.entries(properties)) {
    const seen = Object.hasOwn(value, name) ? (value as { readonly [name: string]: JsonValue })[name] : undefined;
    const words = seen === undefined ? undefined : misshapen(seen, one, `${at}.${name}`);
    if (words !== undefined) return words;
  }
  return undefined;
}

function isOf(value: JsonValue, type: string): boolean {
  if (type === "null") return value === null;
  if (type === "array") return Array.isArray(value);
  if (type === "integer") return Number.isInteger(value);
  if (type === "object") return typeof value === "object" && value !== null && !Array.isArray(value);
  return typeof value === type;
}
