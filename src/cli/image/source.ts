import type { DescEnum, DescEnumValue, DescField, DescFile, DescMessage, DescMethod, DescService } from "@bufbuild/protobuf";
import type { SourceCodeInfo_Location } from "@bufbuild/protobuf/wkt";

/** What stands in a .proto. */
export type Declared = DescService | DescMethod | DescMessage | DescField | DescEnum | DescEnumValue;

// Field numbers of google.protobuf.FileDescriptorProto, DescriptorProto, EnumDescriptorProto and ServiceDescriptorProto, which paths are made of.
const inFile = { message: 4, enum: 5, service: 6 } as const;
const inMessage = { field: 2, message: 3, enum: 4 } as const;
const serviceMethod = 2;
const enumValue = 2;

// What a comment says to buf, and to nobody who reads it.
const toLinters = /^buf:lint:ignore .*\n?/gm;

/** Where something stands, as "chat/v1/chat.proto:18:3"; 1:1 where the image does not say. */
export function placeOf(desc: Declared): string {
  const [line = 0, column = 0] = locationOf(desc)?.span ?? [];
  return `${fileOf(desc).name}.proto:${line + 1}:${column + 1}`;
}

/** The comment at something, without the blank that follows `//`; empty where there is none. */
export function wordsOf(desc: Declared): string {
  const { leadingComments = "", trailingComments = "" } = locationOf(desc) ?? {};
  return [leadingComments, trailingComments]
    .map((comment) =>
      comment
        .replaceAll(/^ /gm, "")
        .replaceAll(/[ \t]+$/gm, "")
        .replaceAll(toLinters, "")
        .trim(),
    )
    .filter((comment) => comment !== "")
    .join("\n\n");
}

function locationOf(desc: Declared): SourceCodeInfo_Location | undefined {
  const path = pathOf(desc).join(".");
  return fileOf(desc).proto.sourceCodeInfo?.location.find((one) => one.path.join(".") === path);
}

function fileOf(desc: Declared): DescFile {
  if (desc.kind === "rpc" || desc.kind === "field") return desc.parent.file;
  return desc.kind === "enum_value" ? desc.parent.file : desc.file;
}

function pathOf(desc: Declared): number[] {
  switch (desc.kind) {
    case "rpc":
      return [...pathOf(desc.parent), serviceMethod, desc.parent.methods.indexOf(desc)];
    case "field":
      return [...pathOf(desc.parent), inMessage.field, desc.parent.fields.indexOf(desc)];
    case "enum_value":
      return [...pathOf(desc.parent), enumValue, desc.parent.values.indexOf(desc)];
    case "service":
      return [inFile.service, desc.file.services.indexOf(desc)];
    case "message": {
      // Entries of maps stand among the nested messages, but are no descriptors of their own: count as the compiler does.
      if (!desc.parent) return [inFile.message, desc.file.proto.messageType.indexOf(desc.proto)];
      return [...pathOf(desc.parent), inMessage.message, desc.parent.proto.nestedType.indexOf(desc.proto)];
    }
    case "enum":
      if (!desc.parent) return [inFile.enum, desc.file.enums.indexOf(desc)];
      return [...pathOf(desc.parent), inMessage.enum, desc.parent.nestedEnums.indexOf(desc)];
  }
}
