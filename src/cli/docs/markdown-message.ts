import type { DescEnum, DescField } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";
import { rulesOf } from "../../rules/index.ts";
import { wordsOf } from "../image/source.ts";
import { isWellKnown, type MessageModel } from "./documentation.ts";
import { cell, link, markdownTable } from "./markdown-table.ts";
import { worstWords } from "./worst-words.ts";

/** All of one message. */
export function messageSection({ desc, example, exampleFlaw, sizes }: MessageModel): string[] {
  const comment = wordsOf(desc);
  const flaw = exampleFlaw === undefined ? [] : [`The example breaks a rule that it was not made by: ${exampleFlaw}.`];
  return [
    `### ${desc.typeName}`,
    ...(comment === "" ? [] : [comment]),
    ...(desc.fields.length === 0 ? [] : [fieldTable(desc.fields)]),
    `Typical ${sizes.typical} (${sizes.typicalJson} in JSON), worst case ${worstWords(sizes.worst)}.`,
    ...(desc.fields.length === 0 ? [] : [`\`\`\`json\n${JSON.stringify(example, null, 2)}\n\`\`\``, ...flaw]),
  ];
}

/** All of one enum. */
export function enumSection(desc: DescEnum): string[] {
  const comment = wordsOf(desc);
  const rows = desc.values.map((value) => [cell(value.name), `${value.number}`, cell(wordsOf(value))]);
  return [`### ${desc.typeName}`, ...(comment === "" ? [] : [comment]), markdownTable(["value", "number", "what"], rows)];
}

function fieldTable(fields: readonly DescField[]): string {
  const rows = fields.map((field) => [
    `\`${field.jsonName}\``,
    `${field.number}`,
    typeWords(field),
    cell(
      rulesOf(field)
        .words.map((word) => `\`${word}\``)
        .join(", "),
    ),
    cell(
      [field.oneof ? `One of \`${field.oneof.name}\`.` : "", wordsOf(field), field.deprecated ? "**Deprecated.**" : ""]
        .filter((part) => part !== "")
        .join(" "),
    ),
  ]);
  return markdownTable(["field", "number", "type", "rules", "what"], rows);
}

function typeWords(field: DescField): string {
  const value = field.enum ? named(field.enum.typeName) : field.message ? messageName(field.message) : scalarName(field.scalar);
  if (field.fieldKind === "list") return `list of ${value}`;
  return field.fieldKind === "map" ? `map from ${scalarName(field.mapKey)} to ${value}` : value;
}

function messageName(message: NonNullable<DescField["message"]>): string {
  return isWellKnown(message) ? message.typeName : link(message.typeName);
}

function named(typeName: string): string {
  return typeName.startsWith("google.protobuf.") ? typeName : link(typeName);
}

function scalarName(type: ScalarType | undefined): string {
  return type === undefined ? "" : ScalarType[type].toLowerCase();
}
