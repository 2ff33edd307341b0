import { createRegistry, type DescMessage, type Message } from "@bufbuild/protobuf";
import { createJsonSerializer, type Serializer } from "../serializer/index.ts";
import type { FuzzInput } from "./fuzz-caller.ts";

/** Protobuf's JSON for clients that `fuzzService` sends broken input by: `createClient({ encoding: "json", serializers: [fuzzJson] })`. */
export const fuzzJson: Serializer = {
  ...letting(createJsonSerializer()),
  knowing: (messages: () => readonly DescMessage[]) =>
    letting(createJsonSerializer({ registry: () => createRegistry(...messages()) })),
};

/** The same, which lets bytes through that are no message. */
function letting(json: Serializer): Serializer {
  return {
    ...json,
    encode(schema, message) {
      // What every message says of itself.
      if ("$typeName" in message) return json.encode(schema, message);
      const input = message as FuzzInput;
      return "bytes" in input ? input.bytes : json.encode(schema as DescMessage, input.message as Message);
    },
  };
}
