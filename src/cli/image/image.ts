import type { DescFile, DescMessage } from "@bufbuild/protobuf";
import type { ServiceModel } from "../../../plugin/model.ts";

/** A compiled schema. */
export interface Image {
  /** As a FileDescriptorSet. */
  readonly bytes: Uint8Array;
  readonly files: readonly DescFile[];
  /** The services that nano knows. */
  readonly services: readonly ServiceModel[];
}

/** Messages and all that their fields lead to, by their names, in the order in which they are met. */
export function reachable(...messages: readonly DescMessage[]): ReadonlyMap<string, DescMessage> {
  const found = new Map<string, DescMessage>();
  const reach = (message: DescMessage): void => {
    if (found.has(message.typeName)) return;
    found.set(message.typeName, message);
    for (const field of message.fields) if (field.message) reach(field.message);
  };
  messages.forEach(reach);
  return found;
}
