import { type DescEnum, type DescField, type Message, ScalarType } from "@bufbuild/protobuf";
import type { Printable } from "@bufbuild/protoplugin";
import {
  type FieldRules,
  FieldRulesSchema,
  Ignore,
  RepeatedRulesSchema,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { ruleValues } from "../src/rules/index.ts";
import { enumTests, numberTests } from "./number-tests.ts";
import { bytesTests, textTests } from "./text-tests.ts";

/** One question that is asked of a value. Its words are protovalidate's. */
export interface RuleTest {
  /** The code by which a value fails, of the code that gives the value. */
  readonly fails: (value: string, helper: Helper) => Printable;
  /** As "string.min_len". */
  readonly id: string;
  readonly message: string;
  /** Where the rule stands, from the options of the field down. */
  readonly rule: readonly DescField[];
}

/** Imports a function that printed tests call. */
export type Helper = (name: "characters" | "utf8Bytes" | "allDifferent") => Printable;

/** Questions about a value; not whole where there are rules that they do not cover. */
export interface Tests {
  readonly tests: readonly RuleTest[];
  readonly whole: boolean;
}

/** Where nothing is asked. */
const none: Tests = { tests: [], whole: true };
/** Where what is asked is left to protovalidate. */
const unprinted: Tests = { tests: [], whole: false };

/** What is asked of a field, and of the items of a list. */
export function testsOf(field: DescField, rules: FieldRules): Tests & { readonly items: readonly RuleTest[] } {
  const { type } = rules;
  if (field.fieldKind === "list" && type.case === "repeated") {
    const own = listTests(field, type.value);
    const items = itemTests(field, type.value.items);
    return { tests: own.tests, items: items.tests, whole: own.whole && items.whole };
  }
  if (type.case === undefined) return { ...none, items: [] };
  const single = field.fieldKind === "scalar" || field.fieldKind === "enum";
  return { ...(single ? valueTests(field, rules, []) : unprinted), items: [] };
}

/** Whether rules have no expressions, and nothing that this version does not know. */
export function isPlain({ cel, celExpression, $unknown }: FieldRules): boolean {
  return cel.length === 0 && celExpression.length === 0 && !$unknown?.length;
}

function listTests(field: DescField & { readonly fieldKind: "list" }, rules: Message): Tests {
  const values = ruleValues(rules, [FieldRulesSchema.field.repeated]);
  if (!values.within(["min_items", "max_items", "unique", "items"])) return unprinted;
  const tests: RuleTest[] = [];
  for (const [name, sign, words] of [
    ["min_items", "<", "at least"],
    ["max_items", ">", "no more than"],
  ] as const) {
    const count = values.value(name);
    if (count === undefined) continue;
    const message = `must contain ${words} ${count} item(s)`;
    tests.push({ fails: (list) => `${list}.length ${sign} ${count}`, id: `repeated.${name}`, message, rule: values.path(name) });
  }
  if (values.value("unique") !== true) return { tests, whole: true };
  if (field.listKind === "message" || field.scalar === ScalarType.BYTES) return unprinted;
  tests.push({
    fails: (list, helper) => ["!", helper("allDifferent"), `(${list})`],
    id: "repeated.unique",
    message: "repeated value must contain unique items",
    rule: values.path("unique"),
  });
  return { tests, whole: true };
}

function itemTests(field: DescField & { readonly fieldKind: "list" }, items: FieldRules | undefined): Tests {
  if (!items || items.ignore === Ignore.ALWAYS) return none;
  // Which items are as if they were not there is rarely asked.
  if (items.ignore !== Ignore.UNSPECIFIED || !isPlain(items)) return unprinted;
  if (items.type.case === undefined) return none;
  if (field.listKind === "message") return unprinted;
  return valueTests(field, items, [FieldRulesSchema.field.repeated, RepeatedRulesSchema.field.items]);
}

function valueTests(field: DescField, { type }: FieldRules, path: readonly DescField[]): Tests {
  if (type.case === undefined) return none;
  const values = ruleValues(type.value, [...path, FieldRulesSchema.field[type.case]]);
  const enumeration: DescEnum | undefined = field.enum;
  if (enumeration) return type.case === "enum" ? enumTests(values, enumeration) : unprinted;
  // Text in a number's place is not compared as one.
  if ("longAsString" in field && field.longAsString) return unprinted;
  if (field.scalar === undefined || scalarOf.get(type.case) !== field.scalar) return unprinted;
  if (type.case === "string") return textTests(values);
  return type.case === "bytes" ? bytesTests(values) : numberTests(type.case, values);
}

/** The type of scalar that rules of a name are for. */
const scalarOf: ReadonlyMap<string, ScalarType> = new Map([
  ["float", ScalarType.FLOAT],
  ["double", ScalarType.DOUBLE],
  ["int32", ScalarType.INT32],
  ["int64", ScalarType.INT64],
  ["uint32", ScalarType.UINT32],
  ["uint64", ScalarType.UINT64],
  ["sint32", ScalarType.SINT32],
  ["sint64", ScalarType.SINT64],
  ["fixed32", ScalarType.FIXED32],
  ["fixed64", ScalarType.FIXED64],
  ["sfixed32", ScalarType.SFIXED32],
  ["sfixed64", ScalarType.SFIXED64],
  ["bool", ScalarType.BOOL],
  ["string", ScalarType.STRING],
  ["bytes", ScalarType.BYTES],
]);
