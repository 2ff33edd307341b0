import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { NanoError } from "../error/index.ts";
import { fieldOf, skipField } from "./skip-field.ts";

/**
 * The text of one top-level field of an encoded message: strings as they are, bytes in hex, integers in decimal, enums by number, an absent
 * field as its default. The rest is gone past, not decoded; what is found is what the message's decoder will find, also where the bytes were
 * made to be read in two ways. Throws `invalid_argument` on malformed bytes.
 */
export function readKey(message: DescMessage, localName: string, body: Uint8Array): string {
  const field = keyField(message, localName);
  try {
    return read(message, field, body) ?? defaultText(field);
  } catch (reason) {
    throw new NanoError({ code: "invalid_argument", message: "the message is malformed", cause: reason });
  }
}

function read(message: DescMessage, field: KeyField, body: Uint8Array): string | undefined {
  const reader = new BinaryReader(body);
  let text: string | undefined;
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    // Of a field that comes twice the last counts, as everywhere in protobuf.
    if (number === field.number) text = readText(reader, field) ?? text;
    else {
      const other = fieldOf(message, number);
      skipField(reader, other, number, wireType);
      // As of the members of a oneof.
      if (other?.oneof && other.oneof === field.oneof) text = undefined;
    }
  }
  return text;
}

type KeyField = DescField & { readonly fieldKind: "scalar" | "enum" };

function keyField(message: DescMessage, localName: string): KeyField {
  for (const field of message.fields) if (field.localName === localName && isKeyField(field)) return field;
  throw new NanoError({ code: "internal", message: `${message.typeName} has no field ${localName} to route by` });
}

function isKeyField(field: DescField): field is KeyField {
  if (field.fieldKind === "scalar") return field.scalar !== ScalarType.FLOAT && field.scalar !== ScalarType.DOUBLE;
  return field.fieldKind === "enum";
}

/** Undefined where it is no value of a closed enum: decoders leave such a field as it was. */
function readText(reader: BinaryReader, field: KeyField): string | undefined {
  if (field.fieldKind === "enum") {
    const value = reader.int32();
    return field.enum.open || field.enum.values.some(({ number }) => number === value) ? String(value) : undefined;
  }
  switch (field.scalar) {
    case ScalarType.STRING:
      return reader.string(field.utf8Validation);
    case ScalarType.BYTES:
      return hex(reader.bytes());
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
  const value = field.getDefaultValue();
  if (field.fieldKind === "enum") return String(value ?? field.enum.values[0]?.number ?? 0);
  if (value !== undefined) return value instanceof Uint8Array ? hex(value) : String(value);
  if (field.scalar === ScalarType.STRING || field.scalar === ScalarType.BYTES) return "";
  return field.scalar === ScalarType.BOOL ? "false" : "0";
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}
