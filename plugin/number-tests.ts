import type { DescEnum } from "@bufbuild/protobuf";
import type { RuleValues } from "../src/rules/index.ts";
import type { RuleTest, Tests } from "./rule-tests.ts";
import { noneOf, oneOf } from "./text-tests.ts";

const numberRules = ["const", "lt", "lte", "gt", "gte", "in", "not_in", "finite"];

/** What is asked of a number or a bool. @param type As protovalidate names its rules: "int32". */
export function numberTests(type: string, values: RuleValues): Tests {
  const said = [...numberRules.map((name) => values.value(name)), ...listOf(values, "in"), ...listOf(values, "not_in")];
  // A bound that is no number is met in ways of its own.
  const odd = said.some((value) => typeof value === "number" && !Number.isFinite(value));
  if (odd || !values.within(numberRules)) return { tests: [], whole: false };
  const tests: RuleTest[] = [];
  const add = (name: string, fails: RuleTest["fails"], message: string, of = name): void => {
    tests.push({ fails, id: `${type}.${name}`, message, rule: values.path(of) });
  };
  const only = values.value("const");
  if (only !== undefined) add("const", noneOf([literal(only)]), `must equal ${only}`);
  const range = rangeOf(values);
  if (range) add(range.name, (value) => `!(${range.holds(value)})`, range.message, range.of);
  addLists(values, add);
  if (values.value("finite") === true) add("finite", (value) => `!Number.isFinite(${value})`, "must be finite");
  return { tests, whole: true };
}

/** What is asked of the value of an enum. */
export function enumTests(values: RuleValues, { values: defined }: DescEnum): Tests {
  if (!values.within(["const", "defined_only", "in", "not_in"])) return { tests: [], whole: false };
  const tests: RuleTest[] = [];
  // Of an enum TypeScript believes that it has no other values.
  const add = (name: string, fails: (value: string) => string, message: string): void => {
    tests.push({ fails: (value) => fails(`(${value} as number)`), id: `enum.${name}`, message, rule: values.path(name) });
  };
  if (values.value("defined_only") === true) {
    const numbers = [...new Set(defined.map(({ number }) => `${number}`))];
    add("defined_only", noneOf(numbers), "value must be one of the defined enum values");
  }
  const only = values.value("const");
  if (only !== undefined) add("const", noneOf([`${only}`]), `must equal ${only}`);
  addLists(values, add);
  return { tests, whole: true };
}

function addLists(values: RuleValues, add: (name: string, fails: (value: string) => string, message: string) => void): void {
  const allowed = listOf(values, "in");
  if (allowed.length > 0) add("in", noneOf(allowed.map(literal)), `must be in list [${allowed.join(", ")}]`);
  const refused = listOf(values, "not_in");
  if (refused.length > 0) add("not_in", oneOf(refused.map(literal)), `must not be in list [${refused.join(", ")}]`);
}

interface Range {
  /** As "gt_lt". */
  readonly name: string;
  readonly holds: (value: string) => string;
  readonly message: string;
  /** The rule that is told to be broken. */
  readonly of: string;
}

/** Asked the right way round, so that what is no number fails. */
function rangeOf(values: RuleValues): Range | undefined {
  const low = boundOf(values, { gt: ["greater than", ">"], gte: ["greater than or equal to", ">="] });
  const high = boundOf(values, { lt: ["less than", "<"], lte: ["less than or equal to", "<="] });
  if (!low || !high) {
    const one = low ?? high;
    return one && { name: one.name, holds: one.holds, message: `must be ${one.words}`, of: one.name };
  }
  // The wrong way round, it is what lies between them that is refused.
  const [and, sign, suffix] = low.bound <= high.bound ? ["and", "&&", ""] : ["or", "||", "_exclusive"];
  return {
    name: `${low.name}_${high.name}${suffix}`,
    holds: (value) => `${low.holds(value)} ${sign} ${high.holds(value)}`,
    message: `must be ${low.words} ${and} ${high.words}`,
    of: low.name,
  };
}

function boundOf(values: RuleValues, kinds: Readonly<Record<string, readonly [words: string, sign: string]>>) {
  for (const [name, [words, sign]] of Object.entries(kinds)) {
    const bound = values.value(name);
    if (typeof bound !== "number" && typeof bound !== "bigint") continue;
    return { name, bound, words: `${words} ${bound}`, holds: (value: string): string => `${value} ${sign} ${literal(bound)}` };
  }
  return undefined;
}

// Bools have but `const`.
function listOf(values: RuleValues, name: string): readonly unknown[] {
  return values.value(name) === undefined ? [] : values.list(name);
}

function literal(value: unknown): string {
  return typeof value === "bigint" ? `${value}n` : String(value);
}
