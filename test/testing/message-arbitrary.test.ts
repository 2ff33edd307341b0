import { type DescMessage, fromBinary, fromJsonString, isFieldSet, toBinary, toJsonString } from "@bufbuild/protobuf";
import { createValidator } from "@bufbuild/protovalidate";
import fc from "fast-check";
import { boundaryArbitrary, brokenArbitrary, messageArbitrary } from "nano-rpc/testing/schema";
import { beforeAll, expect, test } from "vitest";
import { file_every_v1_every } from "../schema/gen/every/v1/every_pb.ts";
import { file_every_v1_old } from "../schema/gen/every/v1/old_pb.ts";
import { file_every_v1_plain } from "../schema/gen/every/v1/plain_pb.ts";
import { ruledMessages } from "./shop-rules.ts";

const named = [file_every_v1_every, file_every_v1_old, file_every_v1_plain].flatMap(({ messages }) =>
  messages.map((schema): [string, DescMessage] => [schema.typeName, schema]),
);

let ruled: (name: string) => DescMessage;

beforeAll(async () => {
  ruled = await ruledMessages();
});

test.each(named)("%s: what is made is whole, in both encodings", (_name, schema) => {
  for (const arbitrary of [messageArbitrary(schema), boundaryArbitrary(schema)]) {
    fc.assert(
      fc.property(arbitrary, (message) => {
        // Bytes tell apart what numbers do not: NaN, and zero with a sign.
        const bytes = toBinary(schema, message);
        expect(Buffer.compare(toBinary(schema, fromBinary(schema, bytes)), bytes)).toBe(0);
        // JSON has no zero with a sign: once read, it is the same again.
        const read = fromJsonString(schema, toJsonString(schema, message));
        expect(toJsonString(schema, fromJsonString(schema, toJsonString(schema, read))) === toJsonString(schema, read)).toBe(
          true,
        );
      }),
      { numRuns: 20 },
    );
  }
});

test.each(named)("%s: every field is met, and left out unless it must be there", (_name, schema) => {
  const made = fc.sample(messageArbitrary(schema), { numRuns: 400, seed: 1 });
  for (const field of schema.fields) {
    const set = made.filter((message) => isFieldSet(message, field)).length;
    // google.protobuf.FeatureSet.FieldPresence.LEGACY_REQUIRED
    const required = field.presence === 3;
    expect([field.name, set > 0, set < made.length]).toEqual([field.name, true, !required]);
  }
});

test("messages keep the rules of their schema, of each kind", () => {
  const [schema, validator] = [ruled("Every"), createValidator()];
  fc.assert(
    fc.property(messageArbitrary(schema), (message) => validator.validate(schema, message).kind === "valid"),
    { numRuns: 300 },
  );
  // Without them, nearly none does.
  const free = fc.sample(messageArbitrary(schema, { rules: false }), { numRuns: 100, seed: 1 });
  expect(free.filter((message) => validator.validate(schema, message).kind === "valid")).toEqual([]);
});

test("rules that chance does not meet end the property, and say so", () => {
  expect(() => fc.sample(messageArbitrary(ruled("Never")), 1)).toThrow("rules.v1.Never has rules that chance does not meet");
});

test("a seed makes the same again", () => {
  const of = (seed: number): string => JSON.stringify(fc.sample(brokenArbitrary(ruled("Every")), { numRuns: 20, seed }));
  expect(of(7)).toBe(of(7));
  expect(of(7)).not.toBe(of(8));
});

test("of what is broken, most does not decode", () => {
  const schema = ruled("Every");
  const read = fc.sample(brokenArbitrary(schema), { numRuns: 300, seed: 3 }).filter((bytes) => {
    try {
      return fromBinary(schema, bytes);
    } catch {
      return false;
    }
  });
  expect(read.length).toBeGreaterThan(10);
  expect(read.length).toBeLessThan(200);
});

test("lists and maps that need all the values there are have them", () => {
  fc.assert(
    fc.property(messageArbitrary(ruled("Few")), (message) => {
      const { colors, both } = message as unknown as { readonly colors: readonly number[]; readonly both: object };
      expect([new Set(colors).size, Object.keys(both).sort()]).toEqual([3, ["false", "true"]]);
    }),
  );
});

test.each(["TooMany", "TooManyKeys"])(
  "%s: more that differ than there are is said to be too much, and not tried for ever",
  (name) => {
    const made = messageArbitrary(ruled(name));
    expect(() => fc.sample(made, 1)).toThrow(/rules\.v1\.\w+\.all must have 3 that differ, which chance does not meet/);
  },
);
