import { type DescField, type DescMessage, fromBinary, ScalarType } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { NanoError } from "../error/index.ts";

/**
 * The text of one top-level field of an encoded message: strings as they are, integers in decimal, enums by number, an absent field as its
 * default. The rest is not decoded, which suits messages that servers wrote. Throws `invalid_argument` on malformed bytes.
 */
export function readKey(message: DescMessage, localName: string, body: Uint8Array): string {
  const field = keyField(message, localName);
  return wellFormed(() => {
    const reader = new BinaryReader(body);
    let text: string | undefined;
    while (reader.pos < reader.len) {
      const [number, wireType] = reader.tag();
      // Of a field that comes twice the last counts, as everywhere in protobuf.
      if (number === field.number) text = readText(reader, field);
      else reader.skip(wireType, number);
    }
    return text ?? defaultText(field);
  });
}

/**
 * The same of a message that a client wrote. Bytes can be made so that one reader finds another key in them than the next (a wire type that
 * does not fit, a length that leads out of its message): what the handler will find is what its decoder finds.
 */
export function decodeKey(message: DescMessage, localName: string, body: Uint8Array): string {
  const field = keyField(message, localName);
  return wellFormed(() => String(reflect(message, fromBinary(message, body)).get(field)));
}

function keyField(message: DescMessage, localName: string): KeyField {
  const field = message.fields.find((one) => one.localName === localName);
  if (field && isKeyField(field)) return field;
  throw new NanoError({ code: "internal", message: `${message.typeName} has no field ${localName} to route by` });
}

type KeyField = DescField & { readonly fieldKind: "scalar" | "enum" };

function isKeyField(field: DescField): field is KeyField {
  return field.fieldKind === "enum" || (field.fieldKind === "scalar" && !keyless.has(field.scalar));
}

const keyless: ReadonlySet<ScalarType> = new Set([ScalarType.BYTES, ScalarType.FLOAT, ScalarType.DOUBLE]);

function wellFormed(read: () => string): string {
  try {
    return read();
  } catch (reason) {
    throw new NanoError({ code: "invalid_argument", message: "the message is malformed", cause: reason });
  }
}

function readText(reader: BinaryReader, field: KeyField): string {
  if (field.fieldKind === "enum") return String(reader.int32());
  switch (field.scalar) {
    case ScalarType.STRING:
      return reader.string(field.utf8Validation);
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
      throw new TypeError(`the field ${field.name} is no key`);
  }
}

function defaultText(field: KeyField): string {
  if (field.fieldKind === "enum") return String(field.getDefaultValue() ?? field.enum.values[0]?.number ?? 0);
  const value = field.getDefaultValue();
  if (value !== undefined) return String(value);
  return field.scalar === ScalarType.STRING ? "" : field.scalar === ScalarType.BOOL ? "false" : "0";
}
