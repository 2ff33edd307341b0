import type { DescField } from "@bufbuild/protobuf";
import type { GeneratedFile, Printable } from "@bufbuild/protoplugin";
import type { MessageValue } from "./codec-model.ts";
import type { Naming } from "./print-codec-file.ts";

/** How the messages that stand in fields are read. */
export interface MessageReading {
  /** Reads into a message that is there. */
  into(target: string): Printable;
  /** A message of which nothing is set. */
  readonly zero: Printable;
  /** The message of what stands in a field; of nothing where that is undefined. */
  start(standing: string): Printable;
  /** What stands in a field for a message. */
  local(message: string): Printable;
}

/** @param number Of the field: a group ends with it. */
export function messageReading(
  f: GeneratedFile,
  door: string,
  value: MessageValue,
  number: number,
  partsOf: Naming["partsOf"],
): MessageReading {
  const { zero, read, field } = partsOf(value.message);
  const fresh: Printable = [zero, "()"];
  const json = value.form === "json";
  return {
    zero: fresh,
    into: (target) =>
      value.group
        ? [f.import("readGroup", door), `(${target}, reader, ${number}, `, field, ")"]
        : [read, `(${target}, reader, reader.endOf())`],
    start: (standing) => (json ? [f.import("structMessage", door), `(${standing})`] : fresh),
    local: (message) => (json ? [f.import("structJson", door), `(${message})`] : message),
  };
}

/** Prints how a field with one message is read. What comes twice is one message. */
export function printReadMessage(
  f: GeneratedFile,
  { localName, oneof }: DescField,
  { form }: MessageValue,
  reading: MessageReading,
): void {
  const { zero, into, start, local } = reading;
  if (oneof) {
    const standing = `message.${oneof.localName}.case === ${JSON.stringify(localName)} ? message.${oneof.localName}.value`;
    if (form === "json") f.print`        const value = ${start(`${standing} : undefined`)};`;
    else f.print`        const value = ${standing} : ${zero};`;
    f.print`        ${into("value")};`;
    const shown = form === "json" ? ["value: ", local("value")] : "value";
    f.print`        message.${oneof.localName} = { case: ${f.string(localName)}, ${shown} };`;
  } else if (form === "message") {
    f.print`        message.${localName} ??= ${zero};`;
    f.print`        ${into(`message.${localName}`)};`;
  } else {
    f.print`        const value = ${start(`message.${localName}`)};`;
    if (form === "wrapped") f.print`        if (message.${localName} !== undefined) value.value = message.${localName};`;
    f.print`        ${into("value")};`;
    f.print`        message.${localName} = ${form === "wrapped" ? "value.value" : local("value")};`;
  }
}
