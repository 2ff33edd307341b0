import { type DescMessage, toJsonString } from "@bufbuild/protobuf";
import fc from "fast-check";
import { messageArbitrary } from "./message-arbitrary.ts";

// Each may only be refused, or read as the little that is in it.
const poisons = [
  "",
  "null",
  "true",
  "1e999",
  '"text"',
  "[]",
  "{",
  '{"a":}',
  '{"a":1,}',
  "{}{}",
  '{"__proto__":{"a":1}}',
  '{"constructor":null,"$typeName":"x"}',
  `${'{"a":'.repeat(200)}1${"}".repeat(200)}`,
  "[".repeat(10_000),
];
// Not even a text.
const noText = Uint8Array.of(0x7b, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x31, 0x7d);
const wrongValues = [null, true, -1, 1e300, 0.5, "", "x", "9".repeat(40), "\ud800", [], [[]], {}, { a: 1 }, { "@type": "x" }];
const encoder = new TextEncoder();

/** Texts that are nearly a message in JSON: cut, with other characters in them, with values that its fields cannot have, or with what no message is. Some may happen to be read. */
export function brokenJsonArbitrary(schema: DescMessage): fc.Arbitrary<Uint8Array> {
  const whole = messageArbitrary(schema, { rules: false }).map((message) => toJsonString(schema, message));
  const names = schema.fields.flatMap(({ jsonName, name }) => [jsonName, name]);
  const wrong = fc.dictionary(fc.constantFrom("unknown", ...names), fc.constantFrom(...wrongValues), { maxKeys: 3 });
  const texts = fc.oneof(
    fc.tuple(whole, fc.nat()).map(([text, cut]) => text.slice(0, cut % (text.length + 1))),
    fc.tuple(whole, fc.nat(), fc.string({ unit: "binary", minLength: 1, maxLength: 2 })).map(([text, place, other]) => {
      const at = place % (text.length + 1);
      return `${text.slice(0, at)}${other}${text.slice(at + 1)}`;
    }),
    wrong.map((fields) => JSON.stringify(fields)),
    fc.constantFrom(...poisons),
  );
  return fc.oneof(
    { arbitrary: texts.map((text) => encoder.encode(text)), weight: 8 },
    { arbitrary: fc.constant(noText), weight: 1 },
    { arbitrary: fc.uint8Array({ maxLength: 64 }), weight: 1 },
  );
}
