import { create, type DescMessage, fromJson, type JsonValue, type Message } from "@bufbuild/protobuf";
import fc from "fast-check";

const secondsOfYears = 315_576_000_000n;
const mostNanos = 999_999_999;

/** Messages of protobuf's own that may not hold just anything. Undefined: it is none of them. */
export function wellKnownArbitrary(schema: DescMessage): fc.Arbitrary<Message> | undefined {
  switch (schema.typeName) {
    case "google.protobuf.Timestamp": {
      const seconds = fc.bigInt({ min: -62_135_596_800n, max: 253_402_300_799n });
      return fc.record({ seconds, nanos: fc.integer({ min: 0, max: mostNanos }) }).map((init) => create(schema, init));
    }
    case "google.protobuf.Duration": {
      const size = fc.record({
        seconds: fc.bigInt({ min: 0n, max: secondsOfYears - 1n }),
        nanos: fc.integer({ min: 0, max: mostNanos }),
      });
      return fc.tuple(size, fc.boolean()).map(([{ seconds, nanos }, negative]) => {
        return create(schema, negative ? { seconds: -seconds, nanos: -nanos } : { seconds, nanos });
      });
    }
    case "google.protobuf.FieldMask": {
      const path = fc.stringMatching(/^[a-z]{1,8}(_[a-z]{1,8}){0,2}$/);
      return fc.array(path, { maxLength: 4 }).map((paths) => create(schema, { paths }));
    }
    case "google.protobuf.Any":
      // What it holds, only the application knows.
      return fc.constant(create(schema));
    case "google.protobuf.Struct":
      return fc.dictionary(fc.string(), json, { maxKeys: 4 }).map((value) => fromJson(schema, value));
    case "google.protobuf.ListValue":
      return fc.array(json, { maxLength: 4 }).map((value) => fromJson(schema, value));
    case "google.protobuf.Value":
      return json.map((value) => fromJson(schema, value));
    default:
      return undefined;
  }
}

// JSON and nothing else is what it makes.
const json = fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<JsonValue>;
