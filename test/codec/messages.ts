import { create, type DescField, type DescMessage, type Message, ScalarType } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";

const int32 = fc.oneof(fc.integer(), fc.constantFrom(0, 1, -1, 127, 128, 2_147_483_647, -2_147_483_648));
const uint32 = fc.oneof(fc.nat(), fc.constantFrom(0, 127, 128, 16_384, 4_294_967_295));
const int64 = fc.oneof(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), fc.constantFrom(0n, -1n, 2n ** 32n, -(2n ** 31n)));
const uint64 = fc.oneof(fc.bigInt(0n, 2n ** 64n - 1n), fc.constantFrom(0n, 127n, 2n ** 56n));
const string = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.string({ maxLength: 60 }),
  fc.nat(300).map((length) => "é".repeat(length)),
  fc.constantFrom("", "__proto__", "\u{feff}bom", "x".repeat(127), "x".repeat(128), "ä".repeat(42), "ä".repeat(43)),
);
const float = fc.oneof(fc.float(), fc.constantFrom(0, -0, Number.NaN, Number.POSITIVE_INFINITY));
const double = fc.oneof(fc.double(), fc.constantFrom(0, -0, Number.NaN, Number.NEGATIVE_INFINITY));

const json = fc.dictionary(fc.oneof(fc.string(), fc.constant("__proto__")), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 });

const scalars: Readonly<Record<ScalarType, fc.Arbitrary<unknown>>> = {
  [ScalarType.INT32]: int32,
  [ScalarType.SINT32]: int32,
  [ScalarType.SFIXED32]: int32,
  [ScalarType.UINT32]: uint32,
  [ScalarType.FIXED32]: uint32,
  [ScalarType.INT64]: int64,
  [ScalarType.SINT64]: int64,
  [ScalarType.SFIXED64]: int64,
  [ScalarType.UINT64]: uint64,
  [ScalarType.FIXED64]: uint64,
  [ScalarType.FLOAT]: float,
  [ScalarType.DOUBLE]: double,
  [ScalarType.BOOL]: fc.boolean(),
  [ScalarType.STRING]: string,
  [ScalarType.BYTES]: fc.uint8Array({ maxLength: 140 }),
};

/** What makes a message of a schema: any of its fields, with any values, some levels deep. */
export function inits(schema: DescMessage, depth = 2): fc.Arbitrary<Record<string, unknown>> {
  const members = schema.members.flatMap((member): [string, fc.Arbitrary<unknown>][] => {
    if (member.kind === "oneof") {
      const cases = member.fields.filter(({ message }) => !message || depth > 0);
      const one = cases.map((field) => values(field, depth).map((value) => ({ case: field.localName, value })));
      return [[member.localName, fc.oneof(...one, fc.constant({ case: undefined }))]];
    }
    if (member.message && depth === 0) return [];
    return [[member.localName, fieldOf(member, depth)]];
  });
  const record = Object.fromEntries(members);
  const required = schema.fields.filter((field) => field.presence === legacyRequired && field.localName in record);
  const some = fc.record(record, { requiredKeys: [] });
  if (required.length === 0) return some;
  // Without one of these a message cannot be written.
  const whole = fc.record(record, { requiredKeys: required.map(({ localName }) => localName) });
  return fc.oneof({ arbitrary: whole, weight: 9 }, { arbitrary: some, weight: 1 });
}

// google.protobuf.FeatureSet.FieldPresence
const legacyRequired = 3;

function fieldOf(field: DescField, depth: number): fc.Arbitrary<unknown> {
  if (field.fieldKind === "list") return fc.array(values(field, depth), { maxLength: field.message ? 2 : 12 });
  if (field.fieldKind !== "map") return values(field, depth);
  const keys = scalars[field.mapKey].map(String).filter((key) => key !== "__proto__");
  return fc.dictionary(keys, values(field, depth), { maxKeys: 2 });
}

function values(field: DescField, depth: number): fc.Arbitrary<unknown> {
  const { message, enum: enumeration, scalar } = field;
  if (message?.typeName === "google.protobuf.Struct" && field.parent.typeName !== "google.protobuf.Value") return json;
  const [wrapped] = message && isWrapperDesc(message) && !field.oneof && field.fieldKind === "message" ? message.fields : [];
  if (wrapped) return values(wrapped, depth);
  if (message) return inits(message, depth - 1);
  if (enumeration) {
    return enumeration.open ? int32 : fc.constantFrom(...enumeration.values.map(({ number }) => number));
  }
  const value = scalars[scalar ?? ScalarType.STRING];
  return "longAsString" in field && field.longAsString ? value.map(String) : value;
}

/** A message with all that its fields may hold, and one field that its schema does not have. */
export function messages(schema: DescMessage): fc.Arbitrary<Message> {
  const strange = fc.option(fc.uint8Array({ maxLength: 9 }), { nil: undefined });
  return fc.tuple(inits(schema), strange).map(([init, data]) => {
    const message: Message = create(schema, init);
    if (data) message.$unknown = [{ no: 1_000, wireType: 2, data: Uint8Array.of(data.length, ...data) }];
    return message;
  });
}
