import type { RuleValues } from "../src/rules/index.ts";
import type { RuleTest, Tests } from "./rule-tests.ts";

// In the order in which protovalidate asks.
const lengths = [
  ["len", "characters", "!==", "", "characters"],
  ["min_len", "characters", "<", "at least ", "characters"],
  ["max_len", "characters", ">", "at most ", "characters"],
  ["len_bytes", "utf8Bytes", "!==", "", "bytes"],
  ["min_bytes", "utf8Bytes", "<", "at least ", "bytes"],
  ["max_bytes", "utf8Bytes", ">", "at most ", "bytes"],
] as const;
const parts = [
  ["prefix", "!", "startsWith", "does not have prefix"],
  ["suffix", "!", "endsWith", "does not have suffix"],
  ["contains", "!", "includes", "does not contain substring"],
  ["not_contains", "", "includes", "contains substring"],
] as const;

/** What is asked of a text; formats and patterns are left to protovalidate. */
export function textTests(values: RuleValues): Tests {
  const names = ["const", ...lengths.map(([name]) => name), ...parts.map(([name]) => name), "in", "not_in"];
  // One that is left leaves all, so that their order stays.
  if (!values.within(names)) return { tests: [], whole: false };
  const tests: RuleTest[] = [];
  const add = (name: string, fails: RuleTest["fails"], message: string): void => {
    tests.push({ fails, id: `string.${name}`, message, rule: values.path(name) });
  };
  const only = values.value("const");
  if (typeof only === "string") add("const", (value) => `${value} !== ${literal(only)}`, `must equal \`${only}\``);
  for (const [name, helper, sign, words, unit] of lengths) {
    const length = values.value(name);
    if (length === undefined) continue;
    add(name, (value, help) => [help(helper), `(${value}) ${sign} ${length}`], `must be ${words}${length} ${unit}`);
  }
  for (const [name, not, method, words] of parts) {
    const part = values.value(name);
    if (typeof part === "string") add(name, (value) => `${not}${value}.${method}(${literal(part)})`, `${words} \`${part}\``);
  }
  const allowed = values.list("in").map(String);
  if (allowed.length > 0) add("in", noneOf(allowed.map(literal)), `must be in list [${allowed.join(", ")}]`);
  const refused = values.list("not_in").map(String);
  if (refused.length > 0) add("not_in", oneOf(refused.map(literal)), `must not be in list [${refused.join(", ")}]`);
  return { tests, whole: true };
}

/** What is asked of bytes: how many there are. */
export function bytesTests(values: RuleValues): Tests {
  const sizes = [
    ["len", "!==", ""],
    ["min_len", "<", "at least "],
    ["max_len", ">", "at most "],
  ] as const;
  if (!values.within(sizes.map(([name]) => name))) return { tests: [], whole: false };
  const tests = sizes.flatMap(([name, sign, words]): RuleTest[] => {
    const length = values.value(name);
    if (length === undefined) return [];
    const fails = (value: string): string => `${value}.length ${sign} ${length}`;
    return [{ fails, id: `bytes.${name}`, message: `must be ${words}${length} bytes`, rule: values.path(name) }];
  });
  return { tests, whole: true };
}

/** Fails what is none of several. */
export function noneOf(literals: readonly string[]): (value: string) => string {
  return (value) => literals.map((one) => `${value} !== ${one}`).join(" && ");
}

/** Fails what is one of several. */
export function oneOf(literals: readonly string[]): (value: string) => string {
  return (value) => literals.map((one) => `${value} === ${one}`).join(" || ");
}

// In a source text these two end a line.
function literal(text: string): string {
  return JSON.stringify(text).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
}
