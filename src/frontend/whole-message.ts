import type { DescMessage, Message } from "@bufbuild/protobuf";

/** A message, made with `create`, and its schema. */
export interface WholeMessage {
  readonly schema: DescMessage;
  readonly message: Message;
}
