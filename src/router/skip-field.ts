import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { type BinaryReader, WireType } from "@bufbuild/protobuf/wire";

// As deep as protobuf-es decodes by default.
const mostNested = 100;

/**
 * Goes past one field, behind its tag, to where the decoder of the message would go on. It does not believe the tag: bytes can be made so that
 * a wire type does not fit its field, or a length leads out of its message, and a decoder then finds other fields than whoever skips by the
 * wire type alone. Nothing is made of what it passes. Throws where a decoder would, and where it is nested too deep.
 */
export function skipField(
  reader: BinaryReader,
  field: DescField | undefined,
  number: number,
  wireType: WireType,
  depth = 1,
): void {
  switch (field?.fieldKind) {
    case undefined:
      reader.skip(wireType, number, mostNested - depth);
      return;
    case "scalar":
      return skipScalar(reader, field.scalar);
    case "enum":
      return skipScalar(reader, ScalarType.INT32);
    case "message":
      return skipChild(reader, field.message, field.delimitedEncoding, number, depth);
    case "list": {
      if (field.listKind === "message") return skipChild(reader, field.message, field.delimitedEncoding, number, depth);
      const scalar = field.listKind === "enum" ? ScalarType.INT32 : field.scalar;
      if (wireType !== WireType.LengthDelimited || !isPackable(scalar)) return skipScalar(reader, scalar);
      const end = reader.uint32() + reader.pos;
      while (reader.pos < end) skipScalar(reader, scalar);
      return;
    }
    case "map": {
      const end = reader.uint32() + reader.pos;
      while (reader.pos < end) {
        const [part, partType] = reader.tag();
        if (part === 1) skipScalar(reader, field.mapKey);
        else if (part !== 2) reader.skip(partType, part, mostNested - depth);
        else if (field.mapKind === "message") skipChild(reader, field.message, false, part, depth);
        else skipScalar(reader, field.mapKind === "enum" ? ScalarType.INT32 : field.scalar);
      }
      return;
    }
  }
}

/** The field of a number. Messages have few, and nothing has to be made to look for one. */
export function fieldOf(message: DescMessage, number: number): DescField | undefined {
  for (const field of message.fields) if (field.number === number) return field;
  return undefined;
}

function skipChild(reader: BinaryReader, message: DescMessage, isGroup: boolean, number: number, depth: number): void {
  if (depth >= mostNested) throw new RangeError(`nested deeper than ${mostNested}`);
  const end = isGroup ? reader.len : reader.uint32() + reader.pos;
  while (reader.pos < end) {
    const [part, wireType] = reader.tag();
    if (isGroup && wireType === WireType.EndGroup) {
      if (part === number) return;
      break;
    }
    skipField(reader, fieldOf(message, part), part, wireType, depth + 1);
  }
  if (isGroup) throw new RangeError("a group has no end");
}

function skipScalar(reader: BinaryReader, type: ScalarType): void {
  switch (type) {
    case ScalarType.STRING:
    case ScalarType.BYTES: {
      const length = reader.uint32();
      return forward(reader, length);
    }
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return forward(reader, 4);
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return forward(reader, 8);
    default:
      // However long a varint is, this reads all of it.
      reader.uint32();
  }
}

function forward(reader: BinaryReader, bytes: number): void {
  reader.pos += bytes;
  if (reader.pos > reader.len) throw new RangeError("it ends too early");
}

function isPackable(type: ScalarType): boolean {
  return type !== ScalarType.STRING && type !== ScalarType.BYTES;
}
