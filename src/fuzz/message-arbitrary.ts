import { create, type DescField, type DescMessage, type Message, type MessageShape, ScalarType } from "@bufbuild/protobuf";
import { type ReflectList, type ReflectMap, reflect } from "@bufbuild/protobuf/reflect";
import { createValidator } from "@bufbuild/protovalidate";
import type { EnumRules, FieldRules, MapRules, RepeatedRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import fc from "fast-check";
import { heededRules, oneofRequired, rulesFor } from "../rules/index.ts";
import { numberArbitrary } from "./number-arbitrary.ts";
import { bytesArbitrary, textArbitrary } from "./text-arbitrary.ts";
import { uniqueArbitrary } from "./unique-arbitrary.ts";
import { wellKnownArbitrary } from "./well-known-arbitrary.ts";

/** How messages are made. */
export interface MessageArbitraryOptions {
  /** How deep messages may stand in messages. The default is 2. */
  readonly maxDepth?: number;
  /** How many items lists and maps may have where no rule says so. The default is 4. */
  readonly maxItems?: number;
  /** Whether the messages keep their validation rules. The default is true. */
  readonly rules?: boolean;
}

/** Arbitraries of messages that were made, by their names and how deep they may go; undefined of what needs others deeper than that. */
export type MadeMessages = Map<string, fc.Arbitrary<Message> | undefined>;

interface Making {
  readonly maxItems: number;
  readonly rules: boolean;
  readonly made: MadeMessages;
}

// Of messages in messages, fewer: each has as many of its own.
const mostMessages = 2;

// How many messages in a row may miss rules that values are not made by (CEL expressions, for one).
const mostMisses = 1_000;

/**
 * An arbitrary of fast-check for whole messages: every field, presence, oneofs, lists, maps, enums, messages in messages, protobuf's own.
 * Messages keep the rules of protovalidate that the schema has. Rules of values (lengths, ranges, lists, formats) are what values are made by; whatever misses another
 * rule is left out, and where 1,000 in a row do, the property fails with an Error that says so: make the message by an arbitrary of your own then. So it does
 * where lists and maps must have more values that differ than there are.
 */
export function messageArbitrary<S extends DescMessage>(
  schema: S,
  options: MessageArbitraryOptions = {},
): fc.Arbitrary<MessageShape<S>> {
  const { maxDepth = 2, maxItems = 4, rules = true } = options;
  const made = notTooDeep(schema, messagesOf(schema, maxDepth, { maxItems, rules, made: new Map() })) as fc.Arbitrary<
    MessageShape<S>
  >;
  if (!rules) return made;
  const validator = createValidator();
  let misses = 0;
  return made.filter((message) => {
    const kept = validator.validate(schema, message).kind === "valid";
    misses = kept ? 0 : misses + 1;
    if (misses >= mostMisses)
      throw new Error(`${schema.typeName} has rules that chance does not meet: give an arbitrary of your own`);
    return kept;
  });
}

/** Messages that lead to each other in many ways are made once. */
export function madeOnce(
  made: MadeMessages,
  { typeName }: DescMessage,
  depth: number,
  make: () => fc.Arbitrary<Message> | undefined,
): fc.Arbitrary<Message> | undefined {
  const key = `${typeName} ${depth}`;
  if (!made.has(key)) made.set(key, make());
  return made.get(key);
}

/** Throws where a message cannot be made at all. */
export function notTooDeep({ typeName }: DescMessage, made: fc.Arbitrary<Message> | undefined): fc.Arbitrary<Message> {
  if (!made) throw new Error(`${typeName} requires messages in messages, deeper than maxDepth lets them stand`);
  return made;
}

/** Whether a message cannot be sent without a field: `required` of proto2, LEGACY_REQUIRED of editions. */
export function mustBeSet({ presence }: DescField): boolean {
  return presence === legacyRequired;
}

// google.protobuf.FeatureSet.FieldPresence.LEGACY_REQUIRED
const legacyRequired = 3;

function messagesOf(schema: DescMessage, depth: number, making: Making): fc.Arbitrary<Message> | undefined {
  return madeOnce(making.made, schema, depth, () => makeMessages(schema, depth, making));
}

function makeMessages(schema: DescMessage, depth: number, making: Making): fc.Arbitrary<Message> | undefined {
  const known = wellKnownArbitrary(schema);
  if (known) return known;
  if (schema.fields.some((field) => mustBeSet(field) && !pairOf(field, depth, making))) return undefined;
  const parts = schema.members.map((member): fc.Arbitrary<readonly [DescField, unknown] | undefined> => {
    if (member.kind === "field") return fieldOf(member, depth, making);
    const fields = member.fields.flatMap((field) => pairOf(field, depth, making) ?? []);
    if (fields.length === 0) return fc.constant(undefined);
    const one = fc.oneof(...fields);
    return making.rules && oneofRequired(member) ? one : fc.option(one, { nil: undefined });
  });
  return fc.tuple(...parts).map((given) =>
    assemble(
      schema,
      given.filter((part) => part !== undefined),
    ),
  );
}

function fieldOf(field: DescField, depth: number, making: Making): fc.Arbitrary<readonly [DescField, unknown] | undefined> {
  const pair = pairOf(field, depth, making);
  if (!pair) return fc.constant(undefined);
  const needed = mustBeSet(field) || (making.rules && (heededRules(field)?.required ?? false));
  if (needed || field.fieldKind === "list" || field.fieldKind === "map") return pair;
  return fc.option(pair, { nil: undefined, freq: field.fieldKind === "message" ? 2 : 4 });
}

/** A field with a value; undefined where it would lead too deep. */
function pairOf(field: DescField, depth: number, making: Making): fc.Arbitrary<readonly [DescField, unknown]> | undefined {
  const rules = making.rules ? heededRules(field) : undefined;
  return valuesOf(field, rules, depth, making)?.map((value) => [field, value] as const);
}

function valuesOf(
  field: DescField,
  rules: FieldRules | undefined,
  depth: number,
  making: Making,
): fc.Arbitrary<unknown> | undefined {
  switch (field.fieldKind) {
    case "scalar":
      return scalarOf(field.scalar, rules);
    case "enum":
      return enumOf(
        field.enum.values.map(({ number }) => number),
        rules,
      );
    case "message":
      return depth > 0 ? messagesOf(field.message, depth - 1, making) : undefined;
    case "list": {
      const { minItems = 0n, maxItems, unique = false, items } = rulesFor<RepeatedRules>(rules, "repeated") ?? {};
      const item = elementOf(field, items, depth, making);
      if (!item) return undefined;
      const minLength = Number(minItems);
      const bounds = {
        minLength,
        maxLength: Math.max(
          minLength,
          Math.min(Number(maxItems ?? mostItems(field, making)), minLength + mostItems(field, making)),
        ),
      };
      return unique ? uniqueArbitrary(nameOf(field), item, bounds, (one) => one) : fc.array(item, bounds);
    }
    case "map": {
      const { minPairs = 0n, maxPairs, keys, values } = rulesFor<MapRules>(rules, "map") ?? {};
      const value = elementOf(field, values, depth, making);
      if (!value) return undefined;
      const minLength = Number(minPairs);
      const maxLength = Math.max(
        minLength,
        Math.min(Number(maxPairs ?? mostItems(field, making)), minLength + mostItems(field, making)),
      );
      const pair = fc.tuple(scalarOf(field.mapKey, keys), value);
      return uniqueArbitrary(`the keys of ${nameOf(field)}`, pair, { minLength, maxLength }, ([key]) => key);
    }
  }
}

function nameOf({ parent, name }: DescField): string {
  return `${parent.typeName}.${name}`;
}

function mostItems({ message }: DescField, { maxItems }: Making): number {
  return message ? Math.min(maxItems, mostMessages) : maxItems;
}

function elementOf(
  field: DescField & { readonly fieldKind: "list" | "map" },
  rules: FieldRules | undefined,
  depth: number,
  making: Making,
): fc.Arbitrary<unknown> | undefined {
  if (field.scalar !== undefined) return scalarOf(field.scalar, rules);
  if (field.enum)
    return enumOf(
      field.enum.values.map(({ number }) => number),
      rules,
    );
  return field.message && depth > 0 ? messagesOf(field.message, depth - 1, making) : undefined;
}

function scalarOf(type: ScalarType, rules: FieldRules | undefined): fc.Arbitrary<unknown> {
  if (type === ScalarType.BOOL) return fc.boolean();
  if (type === ScalarType.STRING) return textArbitrary(rules);
  if (type === ScalarType.BYTES) return bytesArbitrary(rules);
  return numberArbitrary(type, rules) ?? fc.constant(0);
}

function enumOf(values: readonly number[], rules: FieldRules | undefined): fc.Arbitrary<number> {
  const { const: only, in: some = [], notIn = [] } = rulesFor<EnumRules>(rules, "enum") ?? {};
  if (only !== undefined) return fc.constant(only);
  const allowed = (some.length > 0 ? some : values).filter((value) => !notIn.includes(value));
  return fc.constantFrom(...(allowed.length > 0 ? allowed : values));
}

/** A message out of values, as reflection takes them: it knows which stand otherwise in the message. */
export function assemble(schema: DescMessage, given: readonly (readonly [DescField, unknown])[]): Message {
  const message = create(schema);
  const reflected = reflect(schema, message);
  for (const [field, value] of given) {
    if (field.fieldKind === "list") {
      const list: ReflectList = reflected.get(field);
      for (const item of value as readonly unknown[]) list.add(element(field, item));
    } else if (field.fieldKind === "map") {
      const map: ReflectMap = reflected.get(field);
      for (const [key, item] of value as readonly (readonly [string | number | bigint | boolean, unknown])[])
        map.set(key, element(field, item));
    } else {
      reflected.set(field, field.fieldKind === "message" ? element(field, value) : value);
    }
  }
  return message;
}

function element({ message }: DescField, value: unknown): unknown {
  return message ? reflect(message, value as Message) : value;
}
