export { fieldRules, isRuled, messageRules, oneofRequired } from "./field-rules.ts";
export { type RuleValues, ruleValues } from "./rule-values.ts";
export { type Rules, rulesOf } from "./rules.ts";
export { heededRules, type RangeRules, rulesFor } from "./typed-rules.ts";
