import { type Message, toJsonString } from "@bufbuild/protobuf";
import type { Codec, Init } from "../contract/index.ts";

/** A message in JSON; of one that JSON or its schema cannot have, why. */
export function messageText(codec: Codec<Message>, init: Init<Message>): string {
  try {
    return toJsonString(codec.schema, codec.create(init));
  } catch (reason) {
    return `${codec.schema.typeName} (${reason instanceof Error ? reason.message : reason})`;
  }
}
