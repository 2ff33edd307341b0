import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import type { GeneratedFile, Printable } from "@bufbuild/protoplugin";
import { fieldValue, isLong, keyOf, type Scalar, scalarName, type Value } from "./codec-model.ts";
import type { Naming } from "./print-codec-file.ts";

type PartsOf = Naming["partsOf"];

/** Prints the function that reads a message: one switch over the numbers of its fields. */
export function printRead(f: GeneratedFile, door: string, message: DescMessage, { name, shape, partsOf }: Naming): void {
  f.print`function read${name}(message: ${shape}, reader: ${f.import("WireReader", door, true)}, end: number): void {`;
  f.print("  reader.enter();");
  f.print("  while (reader.pos < end) {");
  f.print("    const tag = reader.tag();");
  f.print("    switch (tag >>> 3) {");
  for (const field of message.fields) {
    const block = declares(field);
    f.print`      case ${field.number}:${block ? " {" : ""}`;
    printField(f, field, partsOf);
    f.print("        break;");
    if (block) f.print("      }");
  }
  f.print("      default:");
  f.print("        reader.unknown(message, tag);");
  f.print("    }");
  f.print("  }");
  f.print("  reader.leave();");
  f.print("}");
  f.print();
}

/** Whether what reads a field has names of its own. */
function declares({ fieldKind, message, oneof }: DescField): boolean {
  return fieldKind === "map" || (message !== undefined && (fieldKind === "list" || oneof !== undefined));
}

function printField(f: GeneratedFile, field: DescField, partsOf: PartsOf): void {
  const { localName, oneof } = field;
  if (field.fieldKind === "map") return printMap(f, field, partsOf);
  const value = fieldValue(field);
  if (field.fieldKind === "list") return printList(f, localName, value, partsOf);
  if (!("message" in value)) {
    const read = readScalar(f, value);
    if (oneof) f.print`        message.${oneof.localName} = { case: ${f.string(localName)}, value: ${read} };`;
    else f.print`        message.${localName} = ${read};`;
    return;
  }
  // What comes twice is one message.
  const { zero, read } = partsOf(value.message);
  if (oneof) {
    const before = `message.${oneof.localName}.case === ${JSON.stringify(localName)} ? message.${oneof.localName}.value`;
    f.print`        const value = ${before} : ${zero}();`;
    f.print`        ${read}(value, reader, reader.endOf());`;
    f.print`        message.${oneof.localName} = { case: ${f.string(localName)}, value };`;
  } else {
    f.print`        message.${localName} ??= ${zero}();`;
    f.print`        ${read}(message.${localName}, reader, reader.endOf());`;
  }
}

function printList(f: GeneratedFile, localName: string, value: Value, partsOf: PartsOf): void {
  if ("message" in value) {
    const { zero, read } = partsOf(value.message);
    f.print`        const value = ${zero}();`;
    f.print`        ${read}(value, reader, reader.endOf());`;
    f.print`        message.${localName}.push(value);`;
    return;
  }
  const one = [`message.${localName}.push(`, readScalar(f, value), ");"];
  if (value.scalar === ScalarType.STRING || value.scalar === ScalarType.BYTES) return f.print`        ${one}`;
  f.print("        if ((tag & 7) === 2) {");
  f.print`          for (const end = reader.endOf(); reader.pos < end; ) ${one}`;
  f.print`        } else ${one}`;
}

function printMap(f: GeneratedFile, field: DescField & { readonly fieldKind: "map" }, partsOf: PartsOf): void {
  const key = keyOf(field.mapKey, field.utf8Validation ?? true);
  const value = fieldValue(field);
  const parts = "message" in value ? partsOf(value.message) : undefined;
  f.print`        let key: ${typeOf(f, key)} = ${key.zero};`;
  if (parts) f.print`        const value = ${parts.zero}();`;
  else if (!("message" in value)) f.print`        let value: ${typeOf(f, value)} = ${value.zero};`;
  f.print("        for (const end = reader.endOf(); reader.pos < end; ) {");
  f.print("          const tag = reader.tag();");
  f.print`          if (tag >>> 3 === 1) key = ${readScalar(f, key)};`;
  if (parts) f.print`          else if (tag >>> 3 === 2) ${parts.read}(value, reader, reader.endOf());`;
  else if (!("message" in value)) f.print`          else if (tag >>> 3 === 2) value = ${readScalar(f, value)};`;
  f.print("          else reader.skip(tag);");
  f.print("        }");
  f.print`        ${f.import("setEntry", "nano-rpc/codegen")}(message.${field.localName}, ${keyText(key.scalar)}, value);`;
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
