import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import type { GeneratedFile, Printable } from "@bufbuild/protoplugin";
import { fieldValue, isImplicit, isLong, isRequired, keyOf, type MessageValue, type Value, wireTypeOf } from "./codec-model.ts";
import type { Naming } from "./print-codec-file.ts";
import { bytesOf, placedIn, printPut, printTag } from "./print-put.ts";

/** Prints the function that writes a message: its fields in the order of their numbers, those that are not set left out. */
export function printWrite(f: GeneratedFile, door: string, message: DescMessage, { name, shape, partsOf }: Naming): void {
  const init = [f.import("Init", door, true), "<", shape, ">"];
  f.print`function write${name}(init: ${init}, writer: ${f.import("ByteWriter", door, true)}): void {`;
  const print = printer(f, door, partsOf);
  const fields = [...message.fields].sort((one, other) => one.number - other.number);
  // Numbers beside each other: room for all of them is made at once.
  let run: DescField[] = [];
  for (const field of fields) {
    if (isNumber(field)) run.push(field);
    else {
      printRun(f, run, print);
      run = [];
      printField(f, field, print);
    }
  }
  printRun(f, run, print);
  // Asked here, so that it is asked of one kind of object.
  f.print`  const { $unknown } = init as ${shape};`;
  f.print`  if ($unknown !== undefined) ${f.import("writeUnknown", door)}(writer, $unknown);`;
  f.print("}");
  f.print();
}

type Print = ReturnType<typeof printer>;

function isNumber(field: DescField): boolean {
  return field.fieldKind !== "list" && field.fieldKind !== "map" && bytesOf(fieldValue(field)) !== undefined;
}

function printRun(f: GeneratedFile, run: readonly DescField[], print: Print): void {
  if (run.length === 0) return;
  const [first] = run;
  if (first && run.length === 1) {
    f.print`  if (${condition(first)}) {`;
    print.number("    ", first.number, fieldValue(first), given(first));
    f.print`  }${print.otherwise(first)}`;
    return;
  }
  f.print("  {");
  print.room(
    "    ",
    run.map((field) => ({ number: field.number, value: fieldValue(field) })),
    () => {
      for (const field of run) {
        f.print`    if (${condition(field)}) {`;
        print.put("      ", field.number, fieldValue(field), given(field));
        f.print`    }${print.otherwise(field)}`;
      }
    },
  );
  f.print("  }");
}

function printField(f: GeneratedFile, field: DescField, print: Print): void {
  const { localName } = field;
  if (field.fieldKind === "map") return printMap(f, field, print);
  if (field.fieldKind === "list") return printList(f, field, print);
  f.print`  if (${condition(field)}) {`;
  print.field("    ", field.number, fieldValue(field), given(field), `${localName}From`);
  f.print`  }${print.otherwise(field)}`;
}

function printList(f: GeneratedFile, field: DescField & { readonly fieldKind: "list" }, print: Print): void {
  const { localName, number } = field;
  const value = fieldValue(field);
  f.print`  if (init.${localName} != null && init.${localName}.length > 0) {`;
  if (field.packed) print.packed("    ", number, value, `init.${localName}`);
  else {
    f.print`    for (const value of init.${localName}) {`;
    print.field("      ", number, value, "value", "from");
    f.print("    }");
  }
  f.print("  }");
}

function printMap(f: GeneratedFile, field: DescField & { readonly fieldKind: "map" }, print: Print): void {
  const { localName, number, mapKey } = field;
  f.print`  if (init.${localName} != null) {`;
  f.print`    for (const [key, value] of Object.entries(init.${localName})) {`;
  print.counted("      ", number, "from", () => {
    print.field("      ", 1, keyOf(mapKey, true), keyFrom(mapKey), "");
    print.field("      ", 2, fieldValue(field), "value", "valueFrom");
  });
  f.print("    }");
  f.print("  }");
}

/** Whether a field is sent. */
function condition(field: DescField): string {
  const { localName, oneof } = field;
  return oneof ? `init.${oneof.localName}?.case === ${JSON.stringify(localName)}` : isSet(field, fieldValue(field));
}

/** What a field is set to. */
function given({ localName, oneof }: DescField): string {
  return oneof ? `init.${oneof.localName}.value` : `init.${localName}`;
}

/** As protobuf-es decides it of the message that it would make. */
function isSet(field: DescField, value: Value): string {
  const name = `init.${field.localName}`;
  if ("message" in value) return `${name} != null`;
  // What a message inherits is there and not set.
  if (!isImplicit(field)) return `${name} != null && Object.hasOwn(init, ${JSON.stringify(field.localName)})`;
  if (value.scalar === ScalarType.BYTES) return `${name} != null && ${name}.length > 0`;
  if (value.scalar === ScalarType.DOUBLE || value.scalar === ScalarType.FLOAT) return `${name} != null && !Object.is(${name}, 0)`;
  return `${name} != null && ${name} !== ${value.zero}`;
}

/** The key of a map, whose keys are texts in JavaScript. */
function keyFrom(scalar: ScalarType): string {
  if (scalar === ScalarType.STRING || isLong(scalar)) return "key";
  return scalar === ScalarType.BOOL ? 'key !== "false" && key !== ""' : "Number.parseInt(key)";
}

interface Numbered {
  readonly number: number;
  readonly value: Value;
}

function printer(f: GeneratedFile, door: string, partsOf: Naming["partsOf"]) {
  const printer = {
    /** Room for as much as these may need, and what puts them there. */
    room(indent: string, numbers: readonly Numbered[], print: () => void): void {
      const bytes = numbers.reduce((sum, { number, value }) => sum + tagBytes(number) + (bytesOf(value) ?? 0), 0);
      f.print`${indent}let at = writer.reserve(${bytes});`;
      const places = new Set(["buffer", ...numbers.map(({ value }) => placedIn(value))]);
      f.print`${indent}const { ${[...places].join(", ")} } = writer;`;
      print();
      f.print`${indent}writer.truncate(at);`;
    },
    put(indent: string, number: number, value: Value, expression: string): void {
      printTag(f, indent, tagOf(number, wireTypeOf(value)));
      printPut(f, door, indent, value, expression);
    },
    number(indent: string, number: number, value: Value, expression: string): void {
      printer.room(indent, [{ number, value }], () => printer.put(indent, number, value, expression));
    },
    /** What is counted by a length before it. */
    counted(indent: string, number: number, name: string, print: () => void): void {
      f.print`${indent}const ${name} = ${f.import("fork", door)}(writer, ${tagOf(number, 2)});`;
      print();
      f.print`${indent}${f.import("join", door)}(writer, ${name});`;
    },
    /** What stands between two tags. */
    group(indent: string, number: number, print: () => void): void {
      const writeTag = f.import("writeTag", door);
      f.print`${indent}${writeTag}(writer, ${tagOf(number, 3)});`;
      print();
      f.print`${indent}${writeTag}(writer, ${tagOf(number, 4)});`;
    },
    /** The message of what stands in a field. */
    message({ form }: MessageValue, expression: string): Printable {
      if (form === "wrapped") return `{ value: ${expression} }`;
      return form === "json" ? [f.import("structMessage", door), `(${expression})`] : expression;
    },
    /** What is done where a field is not set. */
    otherwise(field: DescField): Printable {
      return isRequired(field) ? [" else ", f.import("refuseUnset", door), "(", f.string(String(field)), ");"] : "";
    },
    packed(indent: string, number: number, value: Value, list: string): void {
      const bytes = bytesOf(value) ?? 0;
      if (placedIn(value) === "data") {
        f.print`${indent}let at = ${f.import("writeRoom", door)}(writer, ${tagOf(number, 2)}, ${bytes} * ${list}.length);`;
        f.print`${indent}const { data } = writer;`;
        f.print`${indent}for (const value of ${list}) {`;
        printPut(f, door, `${indent}  `, value, "value");
        f.print`${indent}}`;
        return;
      }
      printer.counted(indent, number, "from", () => {
        f.print`${indent}for (const value of ${list}) {`;
        f.print`${indent}  let at = writer.reserve(${bytes});`;
        f.print`${indent}  const { buffer } = writer;`;
        printPut(f, door, `${indent}  `, value, "value");
        f.print`${indent}  writer.truncate(at);`;
        f.print`${indent}}`;
      });
    },
    /** @param from What the place of a message is called. */
    field(indent: string, number: number, value: Value, expression: string, from: string): void {
      if ("message" in value) {
        const write = (): void =>
          f.print`${indent}${partsOf(value.message).write}(${printer.message(value, expression)}, writer);`;
        if (value.group) printer.group(indent, number, write);
        else printer.counted(indent, number, from, write);
      } else if (bytesOf(value) === undefined) {
        const write = value.scalar === ScalarType.STRING ? "writeString" : "writeBytes";
        f.print`${indent}${f.import(write, door)}(writer, ${tagOf(number, 2)}, ${expression});`;
      } else {
        f.print`${indent}{`;
        printer.number(`${indent}  `, number, value, expression);
        f.print`${indent}}`;
      }
    },
  };
  return printer;
}

function tagOf(number: number, wireType: number): number {
  return ((number << 3) | wireType) >>> 0;
}

function tagBytes(number: number): number {
  return number < 16 ? 1 : number < 2_048 ? 2 : number < 262_144 ? 3 : number < 33_554_432 ? 4 : 5;
}
