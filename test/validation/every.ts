import type { MessageInitShape } from "@bufbuild/protobuf";
import fc from "fast-check";
import type { Color, EveryRequestSchema } from "../schema/gen/rules/v1/rules_pb.ts";

/** The values that rules are about, and others; a field is often not set at all. */
const small = fc.integer({ min: -4, max: 4 });
const count = fc.integer({ min: 0, max: 4 });
const long = fc.bigInt({ min: -4n, max: 4n });
const natural = fc.oneof(
  fc.bigInt({ min: 0n, max: 4n }),
  fc.constantFrom(2n ** 53n, 2n ** 53n + 1n, 2n ** 53n + 2n, 2n ** 64n - 1n),
);
const real = fc.oneof(
  fc.constantFrom(0, -0, 1, -1, 2.5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
  fc.constant(Math.fround(0.1)),
  fc.double({ min: -4, max: 4 }),
);
const piece = fc.constantFrom("a", "b", "é", "😀", "`", '"b"', "\ud83d", "\ude00", "a\u2028b", "a");
export const text = fc.array(piece, { maxLength: 4 }).map((pieces) => pieces.join(""));
const bytes = fc.uint8Array({ maxLength: 4 });
const color = fc.constantFrom(0, 1, 5, 7) as fc.Arbitrary<Color>;
const place = fc.record({ x: fc.constantFrom(-101, -100, 0, 99, 100), y: fc.constantFrom(0, 100) });
const choice = fc.oneof(
  text.map((value) => ({ case: "text" as const, value })),
  place.map((value) => ({ case: "at" as const, value })),
  color.map((value) => ({ case: "as" as const, value })),
);

type EveryInit = MessageInitShape<typeof EveryRequestSchema>;

/** Any message of all kinds of rules, whether it keeps to them or not. */
export const every = fc.letrec<{ every: EveryInit }>((tie) => ({
  every: fc.record(
    {
      int32: small,
      sint32: small,
      uint32: count,
      fixed32: count,
      sfixed32: small,
      int64: long,
      sint64: long,
      uint64: natural,
      fixed64: natural,
      sfixed64: long,
      float: real,
      double: real,
      exact: real,
      bool: fc.boolean(),
      length: text,
      exactLength: text,
      part: fc.oneof(text, fc.constant('a"b"é')),
      only: fc.oneof(text, fc.constant("a\u2028b")),
      listed: piece,
      bytes,
      three: bytes,
      color,
      red: color,
      either: color,
      required: text,
      requiredAndSmall: small,
      ifNotEmpty: text,
      never: text,
      explicit: text,
      requiredDouble: real,
      requiredBytes: bytes,
      requiredColor: color,
      requiredMap: fc.dictionary(text, small, { maxKeys: 1 }),
      strings: fc.array(text, { maxLength: 5 }),
      doubles: fc.array(real, { maxLength: 4 }),
      longs: fc.array(long, { maxLength: 3 }),
      colors: fc.array(color, { maxLength: 3 }),
      places: fc.array(place, { maxLength: 3 }),
      skipped: fc.array(place, { maxLength: 2 }),
      place,
      requiredPlace: place,
      more: fc.oneof({ maxDepth: 2, depthIdentifier: "more" }, fc.constant(undefined), tie("every")),
      wrapped: text,
      choice,
    },
    { requiredKeys: [] },
  ) as fc.Arbitrary<EveryInit>,
})).every;
