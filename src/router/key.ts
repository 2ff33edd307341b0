import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { NanoError } from "../error/index.ts";

/**
 * The text of one top-level field of an encoded message, without decoding the rest: strings as they are, integers in decimal,
 * enums by number, an absent field as its default. Throws `invalid_argument` on malformed bytes.
 */
export function readKey(message: DescMessage, localName: string, body: Uint8Array): string {
  const field = message.fields.find((one) => one.localName === localName);
  if (!field) throw new NanoError({ code: "internal", message: `${message.typeName} has no field ${localName} to route by` });
  try {
    const reader = new BinaryReader(body);
    let text: string | undefined;
    while (reader.pos < reader.len) {
      const [number, wireType] = reader.tag();
      // Of a field that comes twice the last counts, as everywhere in protobuf.
      if (number === field.number) text = readText(reader, field);
      else reader.skip(wireType, number);
    }
    return text ?? defaultText(field);
  } catch (reason) {
    if (reason instanceof NanoError) throw reason;
    throw new NanoError({ code: "invalid_argument", message: "the message is malformed", cause: reason });
  }
}

function readText(reader: BinaryReader, field: DescField): string {
  if (field.fieldKind === "enum") return String(reader.int32());
  switch (field.scalar) {
    case ScalarType.STRING:
      return reader.string();
    case ScalarType.BOOL:
      return String(reader.bool());
    case ScalarType.INT32:
      return String(reader.int32());
    case ScalarType.UINT32:
      return String(reader.uint32());
    case ScalarType.SINT32:
      return String(reader.sint32());
    case ScalarType.FIXED32:
      return String(reader.fixed32());
    case ScalarType.SFIXED32:
      return String(reader.sfixed32());
    case ScalarType.INT64:
      return String(reader.int64());
    case ScalarType.UINT64:
      return String(reader.uint64());
    case ScalarType.SINT64:
      return String(reader.sint64());
    case ScalarType.FIXED64:
      return String(reader.fixed64());
    case ScalarType.SFIXED64:
      return String(reader.sfixed64());
    default:
      throw new NanoError({ code: "internal", message: `the field ${field.name} cannot be routed by` });
  }
}

function defaultText(field: DescField): string {
  if (field.fieldKind === "enum") return String(field.getDefaultValue() ?? field.enum.values[0]?.number ?? 0);
  const value = field.fieldKind === "scalar" ? field.getDefaultValue() : undefined;
  if (value !== undefined) return String(value);
  return field.scalar === ScalarType.STRING ? "" : field.scalar === ScalarType.BOOL ? "false" : "0";
}
