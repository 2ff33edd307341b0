import { type DescMessage, type Message, toBinary } from "@bufbuild/protobuf";
import type fc from "fast-check";
import { messages } from "./messages.ts";

/** What protobuf-es writes; undefined where it refuses to: a field that is required is not there. */
export function written(schema: DescMessage, message: Message): Uint8Array | undefined {
  try {
    return toBinary(schema, message);
  } catch {
    return undefined;
  }
}

/** The bytes of messages that can be written. */
export function wholes(schema: DescMessage): fc.Arbitrary<Uint8Array> {
  return messages(schema)
    .map((message) => written(schema, message))
    .filter((bytes) => bytes !== undefined);
}
