import type { DescFile, DescMessage } from "@bufbuild/protobuf";
import type { GeneratedFile, Printable } from "@bufbuild/protoplugin";
import { type CodecModel, codeName, fieldValue, hasPrototype, isImplicit, isPrintable } from "./codec-model.ts";
import { upperFirst } from "./names.ts";
import { printRead } from "./print-read.ts";
import { printWrite } from "./print-write.ts";

const door = "nano-rpc/codegen";

/** Prints `*_codec.ts`: how the messages of a file are read and written, without a look at any descriptor. */
export function printCodecFile(f: GeneratedFile, file: DescFile, codecs: CodecModel): void {
  const messages = codecs.messagesOf(file);
  if (messages.length === 0) return;
  f.preamble(file);
  // What stands in fields and is printed in no file, as google.protobuf.Timestamp: here for this one.
  const others = new Set<DescMessage>();
  for (const message of messages) printMessage(f, message, partsOf);
  for (const other of others) printMessage(f, other, partsOf);

  function partsOf(message: DescMessage): Parts {
    const name = nameIn(file, message);
    if (!codecs.has(message)) others.add(message);
    const own = message.file === file || !codecs.has(message);
    if (own && isPrintable(message)) return { name, zero: `zero${name}`, read: `read${name}`, write: `write${name}` };
    const codec = own ? `${name}Codec` : codecOf(f, message, codecs);
    return { name, zero: [codec, ".zero"], read: [codec, ".read"], write: [codec, ".write"] };
  }

  function printMessage(f: GeneratedFile, message: DescMessage, partsOf: (message: DescMessage) => Parts): void {
    const { name } = partsOf(message);
    const printable = isPrintable(message);
    if (codecs.has(message)) printExport(f, message, name, printable);
    else if (!printable) f.print`const ${name}Codec = ${unprinted(f, message)};`;
    if (!printable) return;
    const shape = f.importShape(message);
    printZero(f, message, name, shape);
    printRead(f, door, message, { name, shape, partsOf });
    printWrite(f, door, message, { name, shape, partsOf });
  }
}

/** The codec of a message: printed with its file, or made here where its file is not. */
export function codecOf(f: GeneratedFile, message: DescMessage, codecs: CodecModel): Printable {
  return codecs.has(message) ? f.import(`${codeName(message)}Codec`, `./${message.file.name}_codec.js`) : unprinted(f, message);
}

function unprinted(f: GeneratedFile, message: DescMessage): Printable {
  return [f.import("unprintedCodec", door), "(", f.importSchema(message), ")"];
}

/** What a message is called in what is printed for a file: "GoogleProtobufTimestamp" where it is another's. */
function nameIn(file: DescFile, message: DescMessage): string {
  if (message.file === file) return codeName(message);
  return message.typeName.split(".").map(upperFirst).join("");
}

function printExport(f: GeneratedFile, message: DescMessage, name: string, printable: boolean): void {
  const type = [f.import("PrintedCodec", door, true), "<", f.importShape(message), ">"];
  const codec = f.export("const", `${name}Codec`);
  f.print(f.jsDoc(`Reads and writes ${message.typeName}.`));
  if (!printable) {
    f.print`${codec}: ${type} = ${unprinted(f, message)};`;
    return f.print();
  }
  f.print`${codec}: ${type} = ${f.import("printedCodec", door)}(${f.importSchema(message)}, {`;
  f.print`  zero: zero${name},`;
  f.print`  read: read${name},`;
  f.print`  write: write${name},`;
  f.print("});");
  f.print();
}

/** How a message is called in a file, what it is, and how to find the functions of others. */
export interface Naming {
  readonly name: string;
  readonly shape: Printable;
  readonly partsOf: (message: DescMessage) => Parts;
}

/** The functions of a message. */
interface Parts {
  readonly name: string;
  readonly zero: Printable;
  readonly read: Printable;
  readonly write: Printable;
}

function printZero(f: GeneratedFile, message: DescMessage, name: string, shape: Printable): void {
  const members = [["$typeName", JSON.stringify(message.typeName)], ...message.members.flatMap(memberZero)];
  if (!hasPrototype(message)) {
    f.print`function zero${name}(): ${shape} {`;
    f.print`  return { ${members.map(([member, zero]) => `${member}: ${zero}`).join(", ")} };`;
    f.print("}");
    return f.print();
  }
  f.print`const inherited${name} = ${f.import("prototypeOf", door)}(${f.importSchema(message)});`;
  f.print();
  f.print`function zero${name}(): ${shape} {`;
  f.print`  const message: ${f.import("Writable", door, true)}<${shape}> = Object.create(inherited${name});`;
  for (const [member, zero] of members) f.print`  message.${member ?? ""} = ${zero ?? ""};`;
  f.print("  return message;");
  f.print("}");
  f.print();
}

/** What a member is where nothing is set; none where it is absent, or inherited. */
function memberZero(member: DescMessage["members"][number]): [string, string][] {
  if (member.kind === "oneof") return [[member.localName, "{ case: undefined }"]];
  if (member.fieldKind === "list") return [[member.localName, "[]"]];
  if (member.fieldKind === "map") return [[member.localName, "{}"]];
  const value = fieldValue(member);
  return "message" in value || !isImplicit(member) ? [] : [[member.localName, value.zero]];
}
