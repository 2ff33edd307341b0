import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import type { GeneratedFile } from "@bufbuild/protoplugin";
import { fieldValue, isImplicit, isLong, keyOf, scalarName, type Value, wireTypeOf } from "./codec-model.ts";
import type { Naming } from "./print-codec-file.ts";

/** Prints the function that writes a message: its fields in the order of their numbers, those that are not set left out. */
export function printWrite(f: GeneratedFile, door: string, message: DescMessage, { name, shape, partsOf }: Naming): void {
  const init = [f.import("Init", door, true), "<", shape, ">"];
  f.print`function write${name}(init: ${init}, writer: ${f.import("ByteWriter", door, true)}): void {`;
  const print = printer(f, door, partsOf);
  for (const field of [...message.fields].sort((one, other) => one.number - other.number)) printField(f, field, print);
  f.print`  ${f.import("writeUnknown", door)}(writer, init);`;
  f.print("}");
  f.print();
}

type Print = ReturnType<typeof printer>;

function printField(f: GeneratedFile, field: DescField, print: Print): void {
  const { localName, oneof, number } = field;
  const value = fieldValue(field);
  if (field.fieldKind === "map") return printMap(f, field, print);
  if (field.fieldKind === "list") {
    f.print`  if (init.${localName} != null && init.${localName}.length > 0) {`;
    if (field.packed) {
      print.tag("    ", number, 2);
      print.counted("    ", () => {
        f.print`      for (const value of init.${localName} ?? []) {`;
        print.scalar("        ", value, "value");
        f.print("      }");
      });
    } else {
      f.print`    for (const value of init.${localName}) {`;
      print.field("      ", number, value, "value");
      f.print("    }");
    }
  } else if (oneof) {
    f.print`  if (init.${oneof.localName}?.case === ${f.string(localName)}) {`;
    print.field("    ", number, value, `init.${oneof.localName}.value`);
  } else {
    f.print`  if (${isSet(field, value)}) {`;
    print.field("    ", number, value, `init.${localName}`);
  }
  f.print("  }");
}

/** Whether a field is sent, as protobuf-es decides it of the message that it would make. */
function isSet(field: DescField, value: Value): string {
  const name = `init.${field.localName}`;
  if ("message" in value) return `${name} != null`;
  // What a message inherits is there and not set.
  if (!isImplicit(field)) return `${name} != null && Object.hasOwn(init, ${JSON.stringify(field.localName)})`;
  if (value.scalar === ScalarType.BYTES) return `${name} != null && ${name}.length > 0`;
  if (value.scalar === ScalarType.DOUBLE || value.scalar === ScalarType.FLOAT) return `${name} != null && !Object.is(${name}, 0)`;
  return `${name} != null && ${name} !== ${value.zero}`;
}

function printMap(f: GeneratedFile, field: DescField & { readonly fieldKind: "map" }, print: Print): void {
  const { localName, number, mapKey } = field;
  f.print`  if (init.${localName} != null) {`;
  f.print`    for (const [key, value] of Object.entries(init.${localName})) {`;
  print.tag("      ", number, 2);
  print.counted("      ", () => {
    print.field("        ", 1, keyOf(mapKey, true), keyFrom(mapKey));
    print.field("        ", 2, fieldValue(field), "value");
  });
  f.print("    }");
  f.print("  }");
}

/** The key of a map, whose keys are texts in JavaScript. */
function keyFrom(scalar: ScalarType): string {
  if (scalar === ScalarType.STRING || isLong(scalar)) return "key";
  return scalar === ScalarType.BOOL ? 'key !== "false" && key !== ""' : "Number.parseInt(key)";
}

function printer(f: GeneratedFile, door: string, partsOf: Naming["partsOf"]) {
  const printer = {
    tag(indent: string, number: number, wireType: number): void {
      const tag = ((number << 3) | wireType) >>> 0;
      if (tag < 0x80) f.print`${indent}writer.byte(${tag});`;
      else f.print`${indent}${f.import("writeVarint", door)}(writer, ${tag});`;
    },
    /** What is counted by a length before it. */
    counted(indent: string, print: () => void): void {
      f.print`${indent}const from = ${f.import("fork", door)}(writer);`;
      print();
      f.print`${indent}${f.import("join", door)}(writer, from);`;
    },
    scalar(indent: string, value: Value, expression: string): void {
      if ("message" in value) return;
      f.print`${indent}${f.import(`write${scalarName(value.scalar)}`, door)}(writer, ${expression});`;
    },
    field(indent: string, number: number, value: Value, expression: string): void {
      printer.tag(indent, number, wireTypeOf(value));
      if (!("message" in value)) return printer.scalar(indent, value, expression);
      const name = indent.length > 6 ? "valueFrom" : "from";
      f.print`${indent}const ${name} = ${f.import("fork", door)}(writer);`;
      f.print`${indent}${partsOf(value.message).write}(${expression}, writer);`;
      f.print`${indent}${f.import("join", door)}(writer, ${name});`;
    },
  };
  return printer;
}
