import type { DescField } from "@bufbuild/protobuf";
import { type FieldRules, Ignore } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { fieldRules } from "./field-rules.ts";

/** The rules of a field; undefined where it has none, or they are ignored. */
export function heededRules(field: DescField): FieldRules | undefined {
  const rules = fieldRules(field);
  return rules?.ignore === Ignore.ALWAYS ? undefined : rules;
}

/** The rules by which one value of a kind is made: those of that kind, if they are. */
export function rulesFor<T>(rules: FieldRules | undefined, ...kinds: readonly string[]): T | undefined {
  const { case: kind, value } = rules?.type ?? {};
  if (value === undefined || kind === undefined || !kinds.includes(kind)) return undefined;
  // What is not set has its default on the prototype, which would be taken for a rule. The name of a case says the type of its message.
  return { ...value } as unknown as T;
}

/** The bounds of numbers, as all rules of numbers have them. */
export interface RangeRules<N extends number | bigint> {
  readonly const?: N;
  readonly lessThan:
    | { readonly case: "lt" | "lte"; readonly value: N }
    | { readonly case: undefined; readonly value?: undefined };
  readonly greaterThan:
    | { readonly case: "gt" | "gte"; readonly value: N }
    | { readonly case: undefined; readonly value?: undefined };
  readonly in: readonly N[];
}
