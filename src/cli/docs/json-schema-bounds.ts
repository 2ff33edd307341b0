import type { Rules } from "../../rules/index.ts";

const formats: Readonly<Record<string, string>> = {
  email: "email",
  hostname: "hostname",
  ipv4: "ipv4",
  ipv6: "ipv6",
  uri: "uri",
  uri_ref: "uri-reference",
  uuid: "uuid",
};
// Words of JSON Schema, and the rules that say the same.
const bounds: Readonly<
  Record<"string" | "number" | "array" | "object", readonly (readonly [word: string, ...rules: string[]])[]>
> = {
  string: [
    ["minLength", "len", "min_len"],
    ["maxLength", "len", "max_len"],
  ],
  number: [
    ["minimum", "gte"],
    ["exclusiveMinimum", "gt"],
    ["maximum", "lte"],
    ["exclusiveMaximum", "lt"],
  ],
  array: [
    ["minItems", "min_items"],
    ["maxItems", "max_items"],
  ],
  object: [
    ["minProperties", "min_pairs"],
    ["maxProperties", "max_pairs"],
  ],
};

/** What rules ask of a value, as far as JSON Schema can say it. */
export function boundsOf(type: keyof typeof bounds, rules: Rules | undefined): { readonly [word: string]: unknown } {
  if (!rules) return {};
  const said: { [word: string]: unknown } = {};
  for (const [word, ...names] of isOutside(rules) ? [] : bounds[type]) {
    const value = names.map((name) => rules.value(name)).find((one) => one !== undefined);
    if (value !== undefined && Number.isFinite(Number(value))) said[word] = Number(value);
  }
  const only = rules.value("const");
  if (only !== undefined && type !== "object" && type !== "array") said["const"] = only;
  const some = rules.list("in");
  if (some.length > 0) said["enum"] = some;
  if (type === "array" && rules.value("unique") === true) said["uniqueItems"] = true;
  if (type === "string") sayText(rules, said);
  return said;
}

/** Whether a range leaves out what is between its bounds, which JSON Schema says otherwise. */
function isOutside(rules: Rules): boolean {
  const [low, high] = [rules.value("gt") ?? rules.value("gte"), rules.value("lt") ?? rules.value("lte")];
  return low !== undefined && high !== undefined && Number(low) >= Number(high);
}

function sayText(rules: Rules, said: { [word: string]: unknown }): void {
  const format = Object.keys(formats).find((one) => rules.value(one) === true);
  if (format !== undefined) said["format"] = formats[format];
  const pattern = rules.value("pattern");
  if (typeof pattern === "string" && isPattern(pattern)) said["pattern"] = pattern;
}

/** Whether a pattern of RE2 is one of JavaScript, too. */
function isPattern(pattern: string): boolean {
  try {
    return new RegExp(pattern, "u") !== undefined;
  } catch {
    return false;
  }
}
