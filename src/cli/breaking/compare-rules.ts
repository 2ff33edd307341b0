import type { DescMessage, UnknownField } from "@bufbuild/protobuf";
import type { MethodModel } from "../../../plugin/model.ts";
import { reachable } from "../image/image.ts";
import { placeOf } from "../image/source.ts";
import type { Note } from "./finding.ts";

// The number of protovalidate's options of messages, fields and oneofs: https://buf.build/bufbuild/protovalidate
const rulesNumber = 1159;

interface Ruled {
  readonly at: string;
  readonly rules: string;
}

/** What validation refuses that it did not refuse before. */
export function compareRules(name: string, was: MethodModel, is: MethodModel, at: string, note: Note): void {
  const [old, now] = [rulesOf(was.desc.input), rulesOf(is.desc.input)];
  const checked = (method: MethodModel, rules: ReadonlyMap<string, Ruled>): boolean => method.policy.validate ?? rules.size > 0;
  const [before, after] = [checked(was, old), checked(is, now)];
  if (before && !after && old.size > 0) note("safe", "VALIDATION_REMOVED", at, `what ${name} is sent is not validated any more`);
  if (!after) return;
  if (!before && now.size > 0) {
    return note("mayBreak", "VALIDATION_ADDED", at, `what ${name} is sent is validated: what clients sent may be refused`);
  }
  for (const [place, rule] of now) {
    const former = old.get(place);
    if (former?.rules === rule.rules) continue;
    note("mayBreak", "RULES_CHANGED", rule.at, `${place}, sent to ${name}, has other rules: what clients sent may be refused`);
  }
  for (const [place, rule] of old) {
    if (!now.has(place)) note("safe", "RULES_REMOVED", rule.at, `${place}, sent to ${name}, has no rules any more`);
  }
}

/** The rules of a message and all that it leads to, by what they hold for. */
function rulesOf(message: DescMessage): ReadonlyMap<string, Ruled> {
  const found = new Map<string, Ruled>();
  const add = (
    place: string,
    at: string,
    options: { readonly $unknown?: readonly UnknownField[] | undefined } | undefined,
  ): void => {
    const rules = options?.$unknown?.filter(({ no }) => no === rulesNumber).map(({ data }) => Buffer.from(data).toString("hex"));
    if (rules && rules.length > 0) found.set(place, { at, rules: rules.join(" ") });
  };
  for (const one of reachable(message).values()) {
    add(one.typeName, placeOf(one), one.proto.options);
    for (const field of one.fields) add(`${one.typeName}.${field.name}`, placeOf(field), field.proto.options);
    for (const oneof of one.oneofs) add(`${one.typeName}.${oneof.name}`, placeOf(one), oneof.proto.options);
  }
  return found;
}
