import { create, type DescField, type DescMessage, fromJson, type JsonValue, type Message, ScalarType } from "@bufbuild/protobuf";
import { type ReflectList, type ReflectMap, reflect } from "@bufbuild/protobuf/reflect";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { type Rules, rulesOf } from "../../rules/index.ts";
import { exampleNumber } from "./example-number.ts";
import { exampleBytes, exampleText } from "./example-text.ts";

const usualItems = 2;
const usualPairs = 1;

/**
 * A message as it typically is: each field set, by its name and its rules; two items in a list, one pair in a map; of a oneof the first
 * that can be made. A message in itself is left out, and so is google.protobuf.Any. The same schema gives the same message.
 */
export function exampleOf(schema: DescMessage): Message {
  return make(schema, [schema.typeName]);
}

function make(schema: DescMessage, within: readonly string[]): Message {
  const message = create(schema);
  const reflected = reflect(schema, message);
  for (const member of schema.members) {
    const fields = member.kind === "field" ? [member] : member.fields;
    for (const field of fields) {
      if (!isMade(field, within)) continue;
      const rules = rulesOf(field);
      if (field.fieldKind === "list") fillList(field, rules, reflected.get(field), within);
      else if (field.fieldKind === "map") fillMap(field, rules, reflected.get(field), within);
      else reflected.set(field, makeValue(field, rules, within, 0));
      break;
    }
  }
  return message;
}

/** Whether there is an example for it: none leads on without end, and nobody knows what is in an Any. */
function isMade({ message }: DescField, within: readonly string[]): boolean {
  return message === undefined || (message.typeName !== "google.protobuf.Any" && !within.includes(message.typeName));
}

function fillList(field: DescField, rules: Rules, list: ReflectList, within: readonly string[]): void {
  for (let at = 0; at < count(rules, "min_items", "max_items", usualItems); at++) {
    list.add(makeValue(field, rules.of("items"), within, at));
  }
}

function fillMap(field: DescField & { fieldKind: "map" }, rules: Rules, map: ReflectMap, within: readonly string[]): void {
  for (let at = 0; at < count(rules, "min_pairs", "max_pairs", usualPairs); at++) {
    const key = scalarOf(field.mapKey, "key", rules.of("keys"), at);
    map.set(key as string | number | bigint | boolean, makeValue(field, rules.of("values"), within, at));
  }
}

// A list of which rules ask for more is no example, but a load.
const mostItems = 100;

function count(rules: Rules, least: string, most: string, usual: number): number {
  const wanted = Math.max(usual, Number(rules.value(least) ?? 0));
  return Math.min(wanted, Number(rules.value(most) ?? mostItems), mostItems);
}

function makeValue(field: DescField, rules: Rules, within: readonly string[], at: number): unknown {
  if (field.enum)
    return enumValue(
      field.enum.values.map(({ number }) => number),
      rules,
      at,
    );
  if (!field.message) return scalarOf(field.scalar ?? ScalarType.STRING, field.name, rules, at);
  return reflect(field.message, messageOf(field.message, field.name, rules, within, at));
}

function messageOf(schema: DescMessage, name: string, rules: Rules, within: readonly string[], at: number): Message {
  const json = wellKnown(schema.typeName, rules);
  if (json !== undefined) return fromJson(schema, json);
  if (!isWrapperDesc(schema)) return make(schema, [...within, schema.typeName]);
  const message = create(schema);
  const [value] = schema.fields;
  if (value?.scalar) reflect(schema, message).set(value, scalarOf(value.scalar, name, rules, at));
  return message;
}

function wellKnown(typeName: string, rules: Rules): JsonValue | undefined {
  switch (typeName) {
    case "google.protobuf.Timestamp":
      return rules.value("gt_now") ? "2100-01-02T03:04:05Z" : "2026-01-02T03:04:05Z";
    case "google.protobuf.Duration":
      return "1.500s";
    case "google.protobuf.FieldMask":
      return "name";
    case "google.protobuf.Struct":
      return { key: "value" };
    case "google.protobuf.Value":
      return "value";
    case "google.protobuf.ListValue":
      return ["value"];
    default:
      return undefined;
  }
}

function scalarOf(type: ScalarType, name: string, rules: Rules, at: number): unknown {
  if (type === ScalarType.STRING) return exampleText(name, rules, at);
  if (type === ScalarType.BYTES) return exampleBytes(rules, at);
  if (type === ScalarType.BOOL) return rules.value("const") ?? true;
  return exampleNumber(type, name, rules, at);
}

function enumValue(values: readonly number[], rules: Rules, at: number): unknown {
  const only = rules.value("const");
  if (only !== undefined) return only;
  const excluded = rules.list("not_in");
  const some = rules.list("in");
  const allowed = (some.length > 0 ? some : values).filter((value) => !excluded.includes(value));
  // The first value says that nothing was said.
  const said = allowed.filter((value) => value !== 0);
  return said.length > 0 ? said[at % said.length] : (allowed[0] ?? values[0] ?? 0);
}
