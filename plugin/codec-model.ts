import { type DescEnum, type DescField, type DescFile, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import type { MethodModel, ServiceModel } from "./model.ts";

/** Which messages have a codec of straight-line code, and where it is printed. */
export interface CodecModel {
  /** Those of a file, in its order; none where nothing of it is sent. */
  messagesOf(file: DescFile): readonly DescMessage[];
  /** Whether a codec is printed for it, of whatever kind. */
  has(message: DescMessage): boolean;
}

/** Everything that methods and their errors reach, in files that are being printed. */
export function codecModel(files: readonly DescFile[], services: readonly ServiceModel[]): CodecModel {
  const reached = new Set<DescMessage>();
  function reach(message: DescMessage): void {
    if (reached.has(message) || !files.includes(message.file)) return;
    reached.add(message);
    for (const field of message.fields) if (field.message) reach(field.message);
  }
  for (const { methods } of services) for (const method of methods) for (const message of sentBy(method)) reach(message);
  return {
    messagesOf: (file) => allOf(file.messages).filter((message) => reached.has(message)),
    has: (message) => reached.has(message),
  };
}

function sentBy({ desc, kind }: MethodModel): readonly DescMessage[] {
  if (kind === "push") return [desc.output];
  return kind === "notify" ? [desc.input] : [desc.input, desc.output];
}

function allOf(messages: readonly DescMessage[]): DescMessage[] {
  return messages.flatMap((message) => [message, ...allOf(message.nestedMessages)]);
}

/** Whether straight-line code can do what protobuf-es does; what is rare is left to it. */
export function isPrintable(message: DescMessage): boolean {
  return message.fields.every((field) => {
    // In edition 2023 and later a field may be as the groups of old, or required.
    if (field.presence === legacyRequired || ("delimitedEncoding" in field && field.delimitedEncoding)) return false;
    if (field.fieldKind === "enum") return field.enum.open;
    return !field.message || !isUnwrapped(field);
  });
}

// google.protobuf.FeatureSet.FieldPresence
const legacyRequired = 3;
const implicit = 2;

/** Whether a message stands in a field as something else: a wrapper as its value, a Struct as JSON. */
function isUnwrapped({ message, oneof, fieldKind, parent }: DescField): boolean {
  if (!message?.typeName.startsWith("google.protobuf.")) return false;
  if (message.typeName === "google.protobuf.Struct") return parent.typeName !== "google.protobuf.Value";
  return fieldKind === "message" && !oneof && message.file.name === "google/protobuf/wrappers";
}

/** Whether a field has no presence: it is sent where it is not its default. */
export function isImplicit({ presence }: DescField): boolean {
  return presence === implicit;
}

/** Whether the defaults of a message's fields are in what it inherits, as protobuf-es has it. */
export function hasPrototype({ file, fields }: DescMessage): boolean {
  if (file.edition === 999) return false;
  if (file.edition === 998) return true;
  return fields.some((field) => !isImplicit(field) && field.fieldKind !== "message" && !field.oneof);
}

/** The name of a message in TypeScript, as protoc-gen-es gives it but for its own keywords. */
export function codeName({ typeName, file }: DescMessage): string {
  const { package: name } = file.proto;
  return (name === "" ? typeName : typeName.slice(name.length + 1)).replaceAll(".", "_");
}

/** What a value of one field, list or map is. */
export type Value = Scalar | { readonly message: DescMessage };

/** A value that is no message. */
export interface Scalar {
  readonly scalar: ScalarType;
  readonly enum: DescEnum | undefined;
  readonly longAsString: boolean;
  /** Of a string: whether it must be UTF-8. */
  readonly strict: boolean;
  readonly zero: string;
}

/** What the values of a field are. */
export function fieldValue(field: DescField): Value {
  if (field.message) return { message: field.message };
  const strict = field.utf8Validation ?? true;
  const enumeration: DescEnum | undefined = field.enum;
  if (enumeration) {
    const zero = String(enumeration.values[0]?.number ?? 0);
    return { scalar: ScalarType.INT32, enum: enumeration, longAsString: false, strict, zero };
  }
  const scalar = field.scalar ?? ScalarType.STRING;
  const longAsString = "longAsString" in field && field.longAsString;
  return { scalar, enum: undefined, longAsString, strict, zero: zeroOf(scalar, longAsString) };
}

/** What a key of a map is. */
export function keyOf(scalar: ScalarType, strict: boolean): Scalar {
  return { scalar, enum: undefined, longAsString: false, strict, zero: zeroOf(scalar, false) };
}

/** The wire type of a value. Protobuf encoding guide, "Message structure". */
export function wireTypeOf(value: Value): number {
  if ("message" in value) return 2;
  switch (value.scalar) {
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return 2;
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return 1;
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return 5;
    default:
      return 0;
  }
}

/** Whether values of a scalar type have 64 bits and are whole. */
export function isLong(scalar: ScalarType): boolean {
  return longs.has(scalar);
}

const longs: ReadonlySet<ScalarType> = new Set([
  ScalarType.INT64,
  ScalarType.UINT64,
  ScalarType.SINT64,
  ScalarType.FIXED64,
  ScalarType.SFIXED64,
]);

function zeroOf(scalar: ScalarType, longAsString: boolean): string {
  if (scalar === ScalarType.STRING) return '""';
  if (scalar === ScalarType.BYTES) return "new Uint8Array(0)";
  if (scalar === ScalarType.BOOL) return "false";
  if (isLong(scalar)) return longAsString ? '"0"' : "0n";
  return "0";
}

/** A scalar type as the functions for it are named: "Int32". */
export function scalarName(scalar: ScalarType): string {
  const name = ScalarType[scalar].toLowerCase();
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}
