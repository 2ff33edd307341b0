import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import type { GeneratedFile, Printable } from "@bufbuild/protoplugin";
import { isKnownNumber } from "./closed-enum.ts";
import { fieldValue, isLong, keyOf, type Scalar, scalarName } from "./codec-model.ts";
import type { Naming } from "./print-codec-file.ts";
import { type MessageReading, messageReading, printReadMessage } from "./print-read-message.ts";

type PartsOf = Naming["partsOf"];

/** Prints the function that reads a message: one switch over the numbers of its fields. It stands on its own where groups are read by it too. */
export function printRead(f: GeneratedFile, door: string, message: DescMessage, naming: Naming): void {
  const { name, shape, partsOf } = naming;
  const reader = ["reader: ", f.import("WireReader", door, true)];
  f.print`function read${name}(message: ${shape}, ${reader}, end: number): void {`;
  f.print("  reader.enter();");
  if (naming.isGroup) {
    f.print`  while (reader.pos < end) field${name}(message, reader, reader.tag());`;
  } else {
    f.print("  while (reader.pos < end) {");
    f.print("    const tag = reader.tag();");
    printSwitch(f, door, message, partsOf);
    f.print("  }");
  }
  f.print("  reader.leave();");
  f.print("}");
  f.print();
  if (!naming.isGroup) return;
  f.print`function field${name}(message: ${shape}, ${reader}, tag: number): void {`;
  printSwitch(f, door, message, partsOf);
  f.print("}");
  f.print();
}

function printSwitch(f: GeneratedFile, door: string, message: DescMessage, partsOf: PartsOf): void {
  f.print("    switch (tag >>> 3) {");
  for (const field of message.fields) {
    const block = declares(field);
    f.print`      case ${field.number}:${block ? " {" : ""}`;
    printField(f, door, field, partsOf);
    f.print("        break;");
    if (block) f.print("      }");
  }
  f.print("      default:");
  f.print("        reader.unknown(message, tag);");
  f.print("    }");
}

/** Whether what reads a field has names of its own. */
function declares(field: DescField): boolean {
  const { fieldKind, oneof } = field;
  if (fieldKind === "map") return true;
  const value = fieldValue(field);
  if (!("message" in value)) return fieldKind !== "list" && isClosed(value);
  return fieldKind === "list" || oneof !== undefined || value.form !== "message";
}

/** In lists and maps, protobuf-es takes every number. */
function isClosed({ enum: enumeration }: Scalar): boolean {
  return enumeration !== undefined && !enumeration.open;
}

function printField(f: GeneratedFile, door: string, field: DescField, partsOf: PartsOf): void {
  const { localName, number, oneof } = field;
  if (field.fieldKind === "map") return printMap(f, door, field, partsOf);
  const value = fieldValue(field);
  if ("message" in value) {
    const reading = messageReading(f, door, value, number, partsOf);
    if (field.fieldKind === "list") printMessages(f, localName, reading);
    else printReadMessage(f, field, value, reading);
    return;
  }
  if (field.fieldKind === "list") return printList(f, localName, value);
  if (isClosed(value)) return printClosed(f, door, field, value);
  const read = readScalar(f, value);
  if (oneof) f.print`        message.${oneof.localName} = { case: ${f.string(localName)}, value: ${read} };`;
  else f.print`        message.${localName} = ${read};`;
}

/** Numbers that an enum does not have are kept as what nobody knows. */
function printClosed(f: GeneratedFile, door: string, { localName, oneof }: DescField, { enum: enumeration }: Scalar): void {
  if (!enumeration) return;
  const value = ["value as ", f.importShape(enumeration)];
  const set = oneof
    ? [`message.${oneof.localName} = { case: `, f.string(localName), ", value: ", value, " }"]
    : [`message.${localName} = `, value];
  f.print("        const value = reader.int32();");
  f.print`        if (${isKnownNumber(enumeration, "value")}) ${set};`;
  f.print`        else ${f.import("keepNumber", door)}(message, tag, value);`;
}

function printMessages(f: GeneratedFile, localName: string, { zero, into, local }: MessageReading): void {
  f.print`        const value = ${zero};`;
  f.print`        ${into("value")};`;
  f.print`        message.${localName}.push(${local("value")});`;
}

function printList(f: GeneratedFile, localName: string, value: Scalar): void {
  const one = [`message.${localName}.push(`, readScalar(f, value), ");"];
  if (value.scalar === ScalarType.STRING || value.scalar === ScalarType.BYTES) return f.print`        ${one}`;
  f.print("        if ((tag & 7) === 2) {");
  f.print`          for (const end = reader.endOf(); reader.pos < end; ) ${one}`;
  f.print`        } else ${one}`;
}

function printMap(f: GeneratedFile, door: string, field: DescField & { readonly fieldKind: "map" }, partsOf: PartsOf): void {
  const key = keyOf(field.mapKey, field.utf8Validation ?? true);
  const value = fieldValue(field);
  const reading = "message" in value ? messageReading(f, door, value, field.number, partsOf) : undefined;
  f.print`        let key: ${typeOf(f, key)} = ${key.zero};`;
  if (reading) f.print`        const value = ${reading.zero};`;
  else if (!("message" in value)) f.print`        let value: ${typeOf(f, value)} = ${value.zero};`;
  f.print("        for (const end = reader.endOf(); reader.pos < end; ) {");
  f.print("          const tag = reader.tag();");
  f.print`          if (tag >>> 3 === 1) key = ${readScalar(f, key)};`;
  if (reading) f.print`          else if (tag >>> 3 === 2) ${reading.into("value")};`;
  else if (!("message" in value)) f.print`          else if (tag >>> 3 === 2) value = ${readScalar(f, value)};`;
  f.print("          else reader.skip(tag);");
  f.print("        }");
  const read = reading ? reading.local("value") : "value";
  f.print`        ${f.import("setEntry", door)}(message.${field.localName}, ${keyText(key.scalar)}, ${read});`;
}

function keyText(scalar: ScalarType): string {
  return scalar === ScalarType.STRING ? "key" : "String(key)";
}

function readScalar(f: GeneratedFile, { scalar, enum: enumeration, longAsString, strict }: Scalar): Printable {
  if (scalar === ScalarType.STRING) return `reader.string(${strict})`;
  const name = scalarName(scalar);
  const read = `reader.${name.charAt(0).toLowerCase()}${name.slice(1)}()`;
  if (enumeration) return [read, " as ", f.importShape(enumeration)];
  return longAsString ? `String(${read})` : read;
}

function typeOf(f: GeneratedFile, { scalar, enum: enumeration, longAsString }: Scalar): Printable {
  if (enumeration) return f.importShape(enumeration);
  if (scalar === ScalarType.STRING || longAsString) return "string";
  if (scalar === ScalarType.BYTES) return "Uint8Array<ArrayBuffer>";
  if (scalar === ScalarType.BOOL) return "boolean";
  return isLong(scalar) ? "bigint" : "number";
}
