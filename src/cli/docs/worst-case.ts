import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { type Rules, rulesOf } from "../../rules/index.ts";
import { worstEnum, worstNumber } from "./worst-number.ts";
import { worstBytes, worstText } from "./worst-text.ts";

/** The most bytes that something may have, or which field has no bound, as "members[].name". */
export type WorstCase = number | { readonly unbounded: string };

/**
 * The most bytes that a message may have in protobuf, where it keeps its rules: every field that it knows is there, each as
 * long as its rules let it be. Of a oneof the longest counts. A message that may hold itself has no bound.
 */
export function worstCase(schema: DescMessage): WorstCase {
  return worstMessage(schema, { open: new Set(), known: new Map() });
}

interface Measuring {
  /** The messages that are being measured. */
  readonly open: Set<string>;
  readonly known: Map<string, WorstCase>;
}

function worstMessage(schema: DescMessage, measuring: Measuring): WorstCase {
  const { open, known } = measuring;
  const found = known.get(schema.typeName);
  if (found !== undefined) return found;
  if (open.has(schema.typeName)) return { unbounded: "" };
  open.add(schema.typeName);
  let bytes: WorstCase = 0;
  for (const member of schema.members) {
    const fields = member.kind === "field" ? [member] : member.fields;
    let most: WorstCase = 0;
    for (const field of fields) most = larger(most, worstField(field, measuring));
    bytes = plus(bytes, most);
  }
  open.delete(schema.typeName);
  known.set(schema.typeName, bytes);
  return bytes;
}

function worstField(field: DescField, measuring: Measuring): WorstCase {
  const rules = rulesOf(field);
  const tag = varintBytes(field.number * 8);
  switch (field.fieldKind) {
    case "list": {
      const most = rules.value("max_items");
      if (most === undefined) return { unbounded: field.jsonName };
      if (Number(most) === 0) return 0;
      const item = within(`${field.jsonName}[]`, worstValue(field, rules.of("items"), measuring));
      if (typeof item !== "number") return item;
      const items = item * Number(most);
      return field.packed ? tag + varintBytes(items) + items : tag * Number(most) + items;
    }
    case "map": {
      const most = rules.value("max_pairs");
      if (most === undefined) return { unbounded: field.jsonName };
      if (Number(most) === 0) return 0;
      const key = within(`${field.jsonName}{key}`, worstScalar(field.mapKey, rules.of("keys")));
      const value = within(`${field.jsonName}{}`, worstValue(field, rules.of("values"), measuring));
      const pair = plus(plus(key, value), 2);
      return typeof pair === "number" ? (tag + varintBytes(pair) + pair) * Number(most) : pair;
    }
    default:
      return plus(tag, within(field.jsonName, worstValue(field, rules, measuring)));
  }
}

/** One value without its tag; with its length, where it has one. */
function worstValue(field: DescField, rules: Rules, measuring: Measuring): WorstCase {
  if (field.enum) return worstEnum(field.enum, rules);
  if (field.message) {
    const bytes = isWrapperDesc(field.message) ? worstWrapped(field.message, rules) : worstMessage(field.message, measuring);
    if (field.fieldKind !== "map" && field.delimitedEncoding) return plus(bytes, varintBytes(field.number * 8));
    return withLength(bytes);
  }
  return worstScalar(field.scalar ?? ScalarType.BYTES, rules);
}

/** Rules of a wrapper are those of what is in it. */
function worstWrapped({ fields: [value] }: DescMessage, rules: Rules): WorstCase {
  return plus(1, worstScalar(value?.scalar ?? ScalarType.BYTES, rules));
}

function worstScalar(type: ScalarType, rules: Rules): WorstCase {
  if (type !== ScalarType.STRING && type !== ScalarType.BYTES) return worstNumber(type, rules);
  const bytes = type === ScalarType.STRING ? worstText(rules) : worstBytes(rules);
  return bytes === undefined ? { unbounded: "" } : withLength(bytes);
}

function withLength(bytes: WorstCase): WorstCase {
  return typeof bytes === "number" ? varintBytes(bytes) + bytes : bytes;
}

function within(name: string, bytes: WorstCase): WorstCase {
  if (typeof bytes === "number") return bytes;
  return { unbounded: bytes.unbounded === "" ? name : `${name}.${bytes.unbounded}` };
}

function plus(one: WorstCase, other: WorstCase): WorstCase {
  if (typeof one !== "number") return one;
  return typeof other === "number" ? one + other : other;
}

function larger(one: WorstCase, other: WorstCase): WorstCase {
  if (typeof one !== "number") return one;
  return typeof other === "number" ? Math.max(one, other) : other;
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}
