import type { DescField, Message } from "@bufbuild/protobuf";
import { isReflectList, isReflectMessage, type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { type FieldRules, FieldRulesSchema, Ignore } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { fieldRules } from "./field-rules.ts";
import { ruleValues } from "./rule-values.ts";

/** What protovalidate asks of a value, by the names that rules have in the .proto. */
export interface Rules {
  readonly required: boolean;
  /** A rule's value; undefined where it is not set, or where values of the kind have no such rule. */
  value(name: string): unknown;
  /** The values of a rule that has several. */
  list(name: string): readonly unknown[];
  /** What is asked of each item, key or value of a list or map. */
  of(part: "items" | "keys" | "values"): Rules;
  /** Every rule that is set, as "string.min_len = 1", and what expressions say of themselves. */
  readonly words: readonly string[];
}

const none: Rules = { required: false, value: () => undefined, list: () => [], of: () => none, words: [] };

/** The rules of a field; none where they are ignored. A field that its message cannot be sent without is required, whatever rules say. */
export function rulesOf(field: DescField): Rules {
  const rules = fieldRules(field);
  const asked = rules ? rulesIn(rules) : none;
  if (field.presence !== legacyRequired || asked.required) return asked;
  return { ...asked, required: true, words: ["required", ...asked.words] };
}

// google.protobuf.FeatureSet.FieldPresence.LEGACY_REQUIRED: `required` of proto2.
const legacyRequired = 3;

function rulesIn(rules: FieldRules): Rules {
  if (rules.ignore === Ignore.ALWAYS) return none;
  const { type } = rules;
  const holder = FieldRulesSchema.fields.find(({ localName }) => localName === type.case);
  const values = holder && type.value ? ruleValues(type.value, [holder]) : undefined;
  const value = (name: string): unknown => values?.value(name);
  return {
    required: rules.required,
    value,
    list: (name) => values?.list(name) ?? [],
    of(part) {
      const inner = value(part);
      return isReflectMessage(inner, FieldRulesSchema) ? rulesIn(inner.message as FieldRules) : none;
    },
    words: [
      ...(rules.required ? ["required"] : []),
      ...(holder?.message && type.value ? wordsIn(reflect(holder.message, type.value as Message), type.case ?? "") : []),
      ...expressions(rules),
    ],
  };
}

function wordsIn(values: ReflectMessage, kind: string): string[] {
  return values.sortedFields
    .filter((field) => values.isSet(field) && field.name !== "example")
    .flatMap((field) => {
      const value: unknown = values.get(field);
      if (isReflectMessage(value, FieldRulesSchema))
        return rulesIn(value.message as FieldRules).words.map((word) => `${kind}.${field.name}: ${word}`);
      return [`${kind}.${field.name} = ${textOf(value)}`];
    });
}

function expressions({ cel, celExpression }: FieldRules): string[] {
  return [...cel.map(({ id, message, expression }) => message || id || expression), ...celExpression];
}

function textOf(value: unknown): string {
  if (isReflectList(value)) return `[${[...value].map(textOf).join(", ")}]`;
  if (isReflectMessage(value))
    return JSON.stringify(value.message, (key, part) => (key === "$typeName" ? undefined : textless(part)));
  if (value instanceof Uint8Array) return `0x${Buffer.from(value).toString("hex")}`;
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

function textless(part: unknown): unknown {
  return typeof part === "bigint" ? part.toString() : part;
}
