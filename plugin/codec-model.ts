import { type DescEnum, type DescField, type DescFile, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";
import type { MethodModel, ServiceModel } from "./model.ts";

/** Which messages have a codec of straight-line code, and where it is printed. */
export interface CodecModel {
  /** Those whose codec is exported for a file, in its order: its own that are sent, and what its methods send of files that are not printed. */
  messagesOf(file: DescFile): readonly DescMessage[];
  /** Whether a codec is printed with the file that a message is in. */
  has(message: DescMessage): boolean;
  /** Whether a field holds it between two tags. */
  isGroup(message: DescMessage): boolean;
}

/** Everything that methods reach. */
export function codecModel(files: readonly DescFile[], services: readonly ServiceModel[]): CodecModel {
  const reached = new Set<DescMessage>();
  const groups = new Set<DescMessage>();
  const strangers = new Map<DescFile, Set<DescMessage>>();
  function reach(message: DescMessage): void {
    if (reached.has(message)) return;
    reached.add(message);
    for (const field of message.fields) {
      const value = fieldValue(field);
      if (!("message" in value)) continue;
      if (value.group) groups.add(value.message);
      reach(value.message);
    }
  }
  const has = (message: DescMessage): boolean => reached.has(message) && files.includes(message.file);
  for (const { desc, methods } of services) {
    for (const message of methods.flatMap(sentBy)) {
      reach(message);
      if (files.includes(message.file)) continue;
      const ofFile = strangers.get(desc.file) ?? new Set();
      strangers.set(desc.file, ofFile.add(message));
    }
  }
  return {
    messagesOf: (file) => [...allOf(file.messages).filter(has), ...(strangers.get(file) ?? [])],
    has,
    isGroup: (message) => groups.has(message),
  };
}

function sentBy({ desc, kind }: MethodModel): readonly DescMessage[] {
  if (kind === "push") return [desc.output];
  return kind === "notify" ? [desc.input] : [desc.input, desc.output];
}

function allOf(messages: readonly DescMessage[]): DescMessage[] {
  return messages.flatMap((message) => [message, ...allOf(message.nestedMessages)]);
}

// google.protobuf.FeatureSet.FieldPresence
const implicit = 2;
const legacyRequired = 3;

/** Whether a message cannot be written without a field. */
export function isRequired({ presence }: DescField): boolean {
  return presence === legacyRequired;
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
export type Value = Scalar | MessageValue;

/** A value that is a message on the wire. */
export interface MessageValue {
  readonly message: DescMessage;
  /** What stands in TypeScript: the message, the value that a wrapper wraps, or the JSON of a Struct. */
  readonly form: "message" | "wrapped" | "json";
  /** Whether it is between two tags, as the groups of old, and not behind its length. */
  readonly group: boolean;
}

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
  if (field.message) {
    const group = "delimitedEncoding" in field && field.delimitedEncoding;
    return { message: field.message, form: formOf(field, field.message), group };
  }
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

function formOf({ oneof, fieldKind, parent }: DescField, message: DescMessage): MessageValue["form"] {
  if (message.typeName === "google.protobuf.Struct") return parent.typeName === "google.protobuf.Value" ? "message" : "json";
  return fieldKind === "message" && !oneof && isWrapperDesc(message) ? "wrapped" : "message";
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
