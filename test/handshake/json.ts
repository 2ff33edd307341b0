import fc from "fast-check";

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Bytes that may be anything. */
export const anyBytes: fc.Arbitrary<Uint8Array> = fc.uint8Array({ maxLength: 40 });

/** JSON of any shape, in which some names come often. */
export function anyJson(names: readonly string[]): fc.Arbitrary<Uint8Array> {
  const name = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...names) },
    fc.constantFrom("__proto__", "constructor"),
    fc.string(),
  );
  const { value } = fc.letrec<{ value: fc.JsonValue }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      fc.oneof(fc.string(), fc.double(), fc.integer(), fc.boolean(), fc.constant(null)),
      fc.array(tie("value"), { maxLength: 3 }) as fc.Arbitrary<fc.JsonValue>,
      fc.dictionary(name, tie("value"), { maxKeys: 4 }) as fc.Arbitrary<fc.JsonValue>,
    ),
  }));
  return value.map((json) => bytesOf(JSON.stringify(json)));
}
