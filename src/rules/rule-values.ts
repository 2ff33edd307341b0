import type { DescField, Message } from "@bufbuild/protobuf";
import { isReflectList, reflect } from "@bufbuild/protobuf/reflect";

/** The rules of one kind that stand beside a field, as `buf.validate.StringRules`. */
export interface RuleValues {
  /** Whether none is set but those of these names, and examples. */
  within(names: readonly string[]): boolean;
  /** The value of a rule by its name in the .proto; undefined where it is not set. */
  value(name: string): unknown;
  /** The values of a rule that has several; none where it is not set, or where rules of the kind have no such one. */
  list(name: string): readonly unknown[];
  /** Where a rule stands, from the options of the field down. */
  path(name: string): readonly DescField[];
}

/** @param of Where the rules stand; the last field is the one that holds them. */
export function ruleValues(rules: Message, of: readonly DescField[]): RuleValues {
  const schema = of.at(-1)?.message;
  if (!schema) throw new Error("rules stand in a message");
  const values = reflect(schema, rules);
  const fieldOf = (name: string): DescField => {
    const field = schema.fields.find((one) => one.name === name);
    if (!field) throw new Error(`${schema.typeName} has no ${name}`);
    return field;
  };
  return {
    within: (names) =>
      // What this version does not know may be a rule of the application's own.
      !rules.$unknown?.length &&
      schema.fields.every((field) => !values.isSet(field) || field.name === "example" || names.includes(field.name)),
    value(name) {
      const field = schema.fields.find((one) => one.name === name);
      return field && values.isSet(field) ? values.get(field) : undefined;
    },
    list(name) {
      const field = schema.fields.find((one) => one.name === name);
      const list = field && values.get(field);
      return isReflectList(list) ? [...list] : [];
    },
    path: (name) => [...of, fieldOf(name)],
  };
}
