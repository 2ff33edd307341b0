import { create, type DescField, type DescFile, type DescMessage } from "@bufbuild/protobuf";
import { type FieldRules, FieldRulesSchema, Ignore } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { fieldRules, isRuled, messageRules, oneofRequired } from "../src/rules/index.ts";
import type { ServiceModel } from "./model.ts";
import { isPlain, type RuleTest, testsOf } from "./rule-tests.ts";

/** Which messages have validation rules, and which of them can be printed as straight-line code. */
export interface RuleModel {
  /** Those of a file that are printed, in its order. */
  messagesOf(file: DescFile): readonly DescMessage[];
  /** Whether it, or one that it may hold, has rules. */
  hasRules(message: DescMessage): boolean;
  /** Whether something of its rules is printed. */
  isPrinted(message: DescMessage): boolean;
  /** Whether all its rules are printed, and those of all that it may hold. */
  isWhole(message: DescMessage): boolean;
}

/** What is printed of the rules of one field. */
export interface PrintedRules {
  readonly required: boolean;
  /** Whether its rules hold only where it is set. */
  readonly ifSet: boolean;
  readonly tests: readonly RuleTest[];
  /** Of a list: what is asked of each item. */
  readonly items: readonly RuleTest[];
  /** Whether the message in it, or each of its list, is looked into. */
  readonly enters: boolean;
  /** Whether that is all that is asked of it. */
  readonly whole: boolean;
}

/** Rules of everything that clients and servers may send to a method. */
export function ruleModel(files: readonly DescFile[], services: readonly ServiceModel[]): RuleModel {
  const reached = new Set<DescMessage>();
  for (const { methods } of services)
    for (const { desc, kind, policy } of methods)
      if (kind !== "push" && policy.validate !== false) for (const one of reach(desc.input)) reached.add(one);
  const isOwn = (message: DescMessage): boolean => reached.has(message) && files.includes(message.file);
  const printed = (message: DescMessage): boolean =>
    isOwn(message) && [...reach(message)].some((one) => isOwn(one) && printsOwn(one));
  return {
    messagesOf: (file) => allOf(file.messages).filter(printed),
    hasRules: (message) => [...reach(message)].some(isRuled),
    isPrinted: printed,
    isWhole: (message) => [...reach(message)].every((one) => !isRuled(one) || (isOwn(one) && isWholeAlone(one))),
  };
}

const noRules: FieldRules = create(FieldRulesSchema);

/** What is asked of a field, as far as it can be printed. */
export function printedRules(field: DescField): PrintedRules {
  const rules = fieldRules(field) ?? noRules;
  const { ignore } = rules;
  const nothing = { required: false, ifSet: false, tests: [], items: [], enters: false };
  if (ignore === Ignore.ALWAYS) return { ...nothing, whole: true };
  // Rules of the message may change what is asked of the fields that they name.
  if ((messageRules(field.parent)?.oneof.length ?? 0) > 0) return { ...nothing, whole: rules === noRules };
  const { tests, items, whole } = testsOf(field, rules);
  return {
    required: rules.required,
    ifSet: ignore === Ignore.IF_ZERO_VALUE || field.fieldKind === "message" || hasPresence(field),
    tests,
    items,
    enters: field.message !== undefined && field.fieldKind !== "map" && !skipsItems(rules),
    whole: whole && isPlain(rules),
  };
}

// google.protobuf.FeatureSet.FieldPresence.IMPLICIT
const implicit = 2;

function hasPresence({ fieldKind, presence }: DescField): boolean {
  return (fieldKind === "scalar" || fieldKind === "enum") && presence !== implicit;
}

function skipsItems({ type }: FieldRules): boolean {
  return type.case === "repeated" && type.value.items?.ignore === Ignore.ALWAYS;
}

function printsOwn(message: DescMessage): boolean {
  if (message.oneofs.some(oneofRequired)) return true;
  return message.fields.some((field) => {
    const { required, tests, items } = printedRules(field);
    return required || tests.length > 0 || items.length > 0;
  });
}

function isWholeAlone(message: DescMessage): boolean {
  const rules = messageRules(message);
  if (rules && (rules.cel.length + rules.celExpression.length + rules.oneof.length > 0 || rules.$unknown?.length)) return false;
  // What stands in a map is not looked into.
  const ruledMap = (field: DescField): boolean => field.fieldKind === "map" && [...reach(field.message)].some(isRuled);
  return message.fields.every((field) => printedRules(field).whole && !ruledMap(field));
}

/** A message and all that it may hold. */
function reach(message: DescMessage | undefined, seen: Set<DescMessage> = new Set()): Set<DescMessage> {
  if (!message || seen.has(message)) return seen;
  seen.add(message);
  for (const field of message.fields) reach(field.message, seen);
  return seen;
}

function allOf(messages: readonly DescMessage[]): DescMessage[] {
  return messages.flatMap((message) => [message, ...allOf(message.nestedMessages)]);
}
