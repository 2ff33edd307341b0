import type { DescFile, DescMessage } from "@bufbuild/protobuf";
import type { GeneratedFile, Printable } from "@bufbuild/protoplugin";
import { type CodecModel, codeName, fieldValue, hasPrototype, isImplicit } from "./codec-model.ts";
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
  for (const message of messages) {
    printExport(f, message, nameIn(file, message), namingOf(message));
    printMessage(f, message);
  }
  for (const other of others) printMessage(f, other);

  function partsOf(message: DescMessage): Parts {
    if (message.file === file || !codecs.has(message)) {
      if (!messages.includes(message)) others.add(message);
      const name = functionsName(file, message);
      return { zero: `zero${name}`, read: `read${name}`, field: `field${name}`, write: `write${name}` };
    }
    const codec = codecOf(f, file, message, codecs);
    return { zero: [codec, ".zero"], read: [codec, ".read"], field: [codec, ".field"], write: [codec, ".write"] };
  }

  function namingOf(message: DescMessage): Naming {
    return { name: functionsName(file, message), shape: f.importShape(message), isGroup: codecs.isGroup(message), partsOf };
  }

  function printMessage(f: GeneratedFile, message: DescMessage): void {
    const naming = namingOf(message);
    printZero(f, message, naming.name, naming.shape);
    printRead(f, door, message, naming);
    printWrite(f, door, message, naming);
  }
}

/** The codec of a message that a file's methods send: printed with the message's own file, or, where nothing is printed for that, with this. */
export function codecOf(f: GeneratedFile, file: DescFile, message: DescMessage, codecs: CodecModel): Printable {
  const at = codecs.has(message) ? message.file : file;
  return f.import(`${nameIn(at, message)}Codec`, `./${at.name}_codec.js`);
}

/** What a message is called in what is printed for a file: "GoogleProtobufTimestamp" where it is another's, and no message of the file has that name. */
function nameIn(file: DescFile, message: DescMessage): string {
  if (message.file === file) return codeName(message);
  const name = message.typeName.split(".").map(upperFirst).join("");
  return file.messages.some((own) => codeName(own) === name) ? `${name}$` : name;
}

/** What a message is called in the names of its functions, so that none is named as what they call: `writeBytes` writes bytes, `writeBytes$` a message. */
function functionsName(file: DescFile, message: DescMessage): string {
  const name = nameIn(file, message);
  return takenNames.has(name) ? `${name}$` : name;
}

/** Of the functions that printed code may call, what stands behind `zero`, `read`, `field`, `write` and `inherited`. */
export const takenNames: ReadonlySet<string> = new Set(["Bytes", "Group", "Room", "String", "Tag", "Unknown"]);

function printExport(f: GeneratedFile, message: DescMessage, exported: string, { name, shape, isGroup }: Naming): void {
  const type = [f.import(isGroup ? "GroupCodec" : "PrintedCodec", door, true), "<", shape, ">"];
  f.print(f.jsDoc(`Reads and writes ${message.typeName}.`));
  f.print`${f.export("const", `${exported}Codec`)}: ${type} = ${f.import("printedCodec", door)}(${f.importSchema(message)}, {`;
  f.print`  zero: zero${name},`;
  f.print`  read: read${name},`;
  if (isGroup) f.print`  field: field${name},`;
  f.print`  write: write${name},`;
  f.print("});");
  f.print();
}

/** How a message is called in a file, what it is, whether groups are read, and how to find the functions of others. */
export interface Naming {
  readonly name: string;
  readonly shape: Printable;
  readonly isGroup: boolean;
  readonly partsOf: (message: DescMessage) => Parts;
}

/** The functions of a message. */
interface Parts {
  readonly zero: Printable;
  readonly read: Printable;
  /** Reads one field; there is none but of groups. */
  readonly field: Printable;
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
