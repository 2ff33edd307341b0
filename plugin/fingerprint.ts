import { createHash } from "node:crypto";
import { type DescMessage, toBinary } from "@bufbuild/protobuf";
import { DescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { findMessage, type ServiceModel } from "./model.ts";

/** Changes with every route and every message that clients of the service read or write. */
export function fingerprint({ methods }: ServiceModel): string {
  const hash = createHash("sha256");
  const messages = new Map<string, DescMessage>();
  for (const { route, kind, desc, policy } of methods) {
    hash.update(`${kind} ${route} ${desc.input.typeName} ${desc.output.typeName}\n`);
    reach(desc.input, messages);
    reach(desc.output, messages);
    for (const { code, detail } of policy.errors) {
      const message = detail === "" ? undefined : findMessage(desc.parent.file, detail);
      if (!message) continue;
      hash.update(`${code} ${message.typeName}\n`);
      reach(message, messages);
    }
  }
  for (const [typeName, message] of [...messages].sort(([one], [other]) => (one < other ? -1 : 1))) {
    hash.update(`${typeName}\n`).update(toBinary(DescriptorProtoSchema, message.proto));
  }
  return hash.digest("hex").slice(0, 16);
}

function reach(message: DescMessage, messages: Map<string, DescMessage>): void {
  if (messages.has(message.typeName)) return;
  messages.set(message.typeName, message);
  for (const field of message.fields) if (field.message) reach(field.message, messages);
}
