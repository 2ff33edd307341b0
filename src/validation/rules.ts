import type { DescMessage } from "@bufbuild/protobuf";

// The number of `(buf.validate.field)`, `.oneof` and `.message` among the options of each. Only the library knows what stands in them.
const extension = 1159;

/** Whether a message, or one that it may hold, has rules of `buf.validate`. */
export function hasRules(schema: DescMessage, seen: Set<DescMessage> = new Set()): boolean {
  if (seen.has(schema)) return false;
  seen.add(schema);
  const { fields, oneofs } = schema;
  if ([schema, ...fields, ...oneofs].some(isRuled)) return true;
  return fields.some(({ message }) => message !== undefined && hasRules(message, seen));
}

function isRuled({ proto }: DescMessage | DescMessage["fields"][number] | DescMessage["oneofs"][number]): boolean {
  return proto.options?.$unknown?.some(({ no }) => no === extension) ?? false;
}
