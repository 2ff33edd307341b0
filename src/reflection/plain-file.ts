import { create, type DescEnum, type DescField, type DescFile, type DescMessage } from "@bufbuild/protobuf";
import {
  type DescriptorProto,
  DescriptorProtoSchema,
  type EnumDescriptorProto,
  EnumDescriptorProtoSchema,
  EnumOptionsSchema,
  type FieldDescriptorProto,
  FieldDescriptorProto_Type,
  FieldDescriptorProtoSchema,
  FieldOptionsSchema,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  MessageOptionsSchema,
} from "@bufbuild/protobuf/wkt";
import { type ShownType, shownPackage, typeOf } from "./shown-types.ts";

/** The name that a file goes by. */
function plainName(file: DescFile): string {
  return `proto/${file.name}.proto`;
}

/**
 * A file with nothing but the types shown: no comments, options, services or extensions. It says proto2 and spells out what editions
 * leave to features, so that old readers understand it; on the wire the messages are the same.
 */
export function plainFile(file: DescFile, shown: ReadonlySet<ShownType>): FileDescriptorProto {
  const imports = new Set<string>();
  const prefix = (typeName: string): string => (typeName === "" ? "" : `.proto${typeName}`);

  function field(raw: FieldDescriptorProto, desc: DescField | undefined): FieldDescriptorProto {
    const type = desc && typeOf(desc);
    if (type && type.file !== file) imports.add(plainName(type.file));
    const delimited = desc?.fieldKind === "message" && desc.delimitedEncoding;
    return create(FieldDescriptorProtoSchema, {
      name: raw.name,
      number: raw.number,
      label: raw.label,
      type: delimited ? FieldDescriptorProto_Type.GROUP : raw.type,
      typeName: prefix(raw.typeName),
      ...(desc ? { jsonName: desc.jsonName } : {}),
      ...(desc?.oneof ? { oneofIndex: desc.parent.oneofs.indexOf(desc.oneof) } : {}),
      ...(desc?.fieldKind === "list" && desc.packed ? { options: create(FieldOptionsSchema, { packed: true }) } : {}),
    });
  }

  function message(desc: DescMessage): DescriptorProto[] {
    const nested = desc.nestedMessages.flatMap(message);
    const enums = desc.nestedEnums.flatMap(enumeration);
    if (!shown.has(desc)) {
      return nested.length + enums.length === 0
        ? []
        : [create(DescriptorProtoSchema, { name: desc.name, nestedType: nested, enumType: enums })];
    }
    const entries = desc.proto.nestedType.filter((one) => one.options?.mapEntry);
    return [
      create(DescriptorProtoSchema, {
        name: desc.name,
        field: desc.proto.field.map((raw) =>
          field(
            raw,
            desc.fields.find((one) => one.number === raw.number),
          ),
        ),
        oneofDecl: desc.oneofs.map(({ name }) => ({ name })),
        nestedType: [
          ...nested,
          ...entries.map((entry) =>
            create(DescriptorProtoSchema, {
              name: entry.name,
              field: entry.field.map((raw) => field(raw, undefined)),
              options: create(MessageOptionsSchema, { mapEntry: true }),
            }),
          ),
        ],
        enumType: enums,
      }),
    ];
  }

  function enumeration(desc: DescEnum): EnumDescriptorProto[] {
    if (!shown.has(desc)) return [];
    return [
      create(EnumDescriptorProtoSchema, {
        name: desc.name,
        value: desc.proto.value.map(({ name, number }) => ({ name, number })),
        ...(desc.proto.options?.allowAlias ? { options: create(EnumOptionsSchema, { allowAlias: true }) } : {}),
      }),
    ];
  }

  const messageType = file.messages.flatMap(message);
  const enumType = file.enums.flatMap(enumeration);
  return create(FileDescriptorProtoSchema, {
    name: plainName(file),
    package: shownPackage(file),
    dependency: [...imports],
    messageType,
    enumType,
  });
}
