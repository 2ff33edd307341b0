import { type DescField, type DescMessage, type Message, ScalarType } from "@bufbuild/protobuf";
import fc from "fast-check";
import { assemble, type MadeMessages, madeOnce, mustBeSet, notTooDeep } from "./message-arbitrary.ts";
import { rangeOf } from "./number-arbitrary.ts";
import { wellKnownArbitrary } from "./well-known-arbitrary.ts";

const texts = [
  "",
  " ",
  "\0",
  "a".repeat(300),
  "\u{1f600}".repeat(100),
  "\u202eabc",
  "__proto__",
  "constructor",
  "../..",
  "{{x}}%s'\"<b>",
];
const bytes = [new Uint8Array(0), new Uint8Array(300), Uint8Array.of(255, 254, 0)];
const reals = [0, -0, 1, -1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 5e-324, 2 ** 53];
const manyItems = 50;
// Of what is long itself: a message that is over a server's limit of a packet ends the session, and says nothing of its handler.
const fewItems = 2;
const maxDepth = 2;

/** Messages whose every value is at the edge of what its type can hold, whatever rules say: they decode, and few handlers think of them. */
export function boundaryArbitrary(schema: DescMessage): fc.Arbitrary<Message> {
  return notTooDeep(schema, messagesOf(schema, maxDepth, new Map()));
}

function messagesOf(schema: DescMessage, depth: number, made: MadeMessages): fc.Arbitrary<Message> | undefined {
  return madeOnce(made, schema, depth, () => makeMessages(schema, depth, made));
}

function makeMessages(schema: DescMessage, depth: number, made: MadeMessages): fc.Arbitrary<Message> | undefined {
  const known = wellKnownArbitrary(schema);
  if (known) return known;
  if (schema.fields.some((field) => mustBeSet(field) && !valuesOf(field, depth, made))) return undefined;
  const parts = schema.fields.map((field): fc.Arbitrary<readonly [DescField, unknown] | undefined> => {
    const pair = valuesOf(field, depth, made)?.map((one) => [field, one] as const);
    if (!pair) return fc.constant(undefined);
    return mustBeSet(field) ? pair : fc.option(pair, { nil: undefined });
  });
  return fc.tuple(...parts).map((given) =>
    assemble(
      schema,
      given.filter((part) => part !== undefined),
    ),
  );
}

function valuesOf(field: DescField, depth: number, made: MadeMessages): fc.Arbitrary<unknown> | undefined {
  const one = elementOf(field, depth, made);
  if (!one) return undefined;
  if (field.fieldKind === "list")
    return fc.oneof(
      fc.constant([]),
      one.map((item) => [item]),
      one.map((item) => Array(long(field) ? fewItems : manyItems).fill(item)),
    );
  if (field.fieldKind === "map")
    return fc.uniqueArray(fc.tuple(scalarOf(field.mapKey), one), { maxLength: 2, selector: ([key]) => key });
  return one;
}

function long({ message, scalar }: DescField): boolean {
  return message !== undefined || scalar === ScalarType.STRING || scalar === ScalarType.BYTES;
}

function elementOf(field: DescField, depth: number, made: MadeMessages): fc.Arbitrary<unknown> | undefined {
  // A number that is no value of the enum: old servers hear it from new clients.
  if (field.enum)
    return fc.constantFrom(...field.enum.values.map(({ number }) => number), ...(field.enum.open ? [-1, 0x7fff_ffff] : []));
  if (field.message) return depth > 0 ? messagesOf(field.message, depth - 1, made) : undefined;
  return scalarOf(field.scalar ?? ScalarType.STRING);
}

function scalarOf(type: ScalarType): fc.Arbitrary<unknown> {
  if (type === ScalarType.BOOL) return fc.boolean();
  if (type === ScalarType.STRING) return fc.constantFrom(...texts);
  if (type === ScalarType.BYTES) return fc.constantFrom(...bytes);
  const range = rangeOf(type);
  if (!range) return fc.constantFrom(...(type === ScalarType.FLOAT ? reals.map(Math.fround) : reals));
  const [least, largest] = range;
  return typeof least === "bigint" ? fc.constantFrom(least, 0n, 1n, largest) : fc.constantFrom(least, 0, 1, largest);
}
