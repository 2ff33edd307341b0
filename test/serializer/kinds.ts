import { create, createFileRegistry, type DescMessage, type Message, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type FieldDescriptorProto,
  FieldDescriptorProtoSchema,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";
import fc from "fast-check";

const scalars = {
  text: Type.STRING,
  raw: Type.BYTES,
  yes: Type.BOOL,
  i32: Type.INT32,
  u32: Type.UINT32,
  s32: Type.SINT32,
  f32: Type.FIXED32,
  sf32: Type.SFIXED32,
  i64: Type.INT64,
  u64: Type.UINT64,
  s64: Type.SINT64,
  f64: Type.FIXED64,
  sf64: Type.SFIXED64,
  single: Type.FLOAT,
  twice: Type.DOUBLE,
};

function field(
  name: string,
  number: number,
  type: Type,
  more: MessageInitShape<typeof FieldDescriptorProtoSchema> = {},
): FieldDescriptorProto {
  return create(FieldDescriptorProtoSchema, { name, jsonName: name, number, type, label: Label.OPTIONAL, ...more });
}

const file = create(FileDescriptorProtoSchema, {
  name: "kinds.proto",
  package: "test",
  syntax: "proto3",
  enumType: [{ name: "Color", value: ["RED", "GREEN", "BLUE"].map((name, number) => ({ name, number: number * 3 })) }],
  messageType: [
    {
      name: "Kinds",
      field: [
        ...Object.entries(scalars).map(([name, type], at) => field(name, at + 1, type)),
        field("color", 20, Type.ENUM, { typeName: ".test.Color" }),
        field("child", 21, Type.MESSAGE, { typeName: ".test.Kinds" }),
        field("numbers", 22, Type.INT32, { label: Label.REPEATED }),
        field("names", 23, Type.MESSAGE, { typeName: ".test.Kinds.NamesEntry", label: Label.REPEATED }),
        field("left", 24, Type.STRING, { oneofIndex: 0 }),
        field("right", 25, Type.INT32, { oneofIndex: 0 }),
        field("maybe", 26, Type.INT32, { oneofIndex: 1, proto3Optional: true }),
      ],
      nestedType: [
        {
          name: "NamesEntry",
          options: { mapEntry: true },
          field: [field("key", 1, Type.STRING), field("value", 2, Type.STRING)],
        },
      ],
      oneofDecl: [{ name: "side" }, { name: "_maybe" }],
    },
  ],
});

function found(): DescMessage {
  const message = createFileRegistry(create(FileDescriptorSetSchema, { file: [file] })).getMessage("test.Kinds");
  if (!message) throw new Error("the schema of the test is wrong");
  return message;
}

/** A message with a field of every kind, that may hold itself. Scalars are named by `text`, `raw`, `yes`, `i32` and so on. */
export const KindsSchema: DescMessage = found();

/** The names of the fields that a call may be routed by. */
export const keyNames: readonly string[] = [
  ...Object.keys(scalars).filter((name) => !["single", "twice"].includes(name)),
  "color",
];

/** A message of some of the fields. */
export function kinds(init: Readonly<Record<string, unknown>>): Message & Readonly<Record<string, unknown>> {
  return create(KindsSchema, init as MessageInitShape<DescMessage>) as Message & Record<string, unknown>;
}

const i32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const i64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const text = fc.string({ unit: "grapheme", maxLength: 20 });

/** Any fields, with anything that they may hold. */
export const anyFields: fc.Arbitrary<Record<string, unknown>> = fc.record(
  {
    text,
    raw: fc.uint8Array({ maxLength: 40 }),
    yes: fc.boolean(),
    i32,
    u32,
    s32: i32,
    f32: u32,
    sf32: i32,
    i64,
    u64,
    s64: i64,
    f64: u64,
    sf64: i64,
    // JSON knows no negative zero.
    single: fc.float().map((value) => value + 0),
    twice: fc.double().map((value) => value + 0),
    color: i32,
    child: fc.record({ text, i64 }),
    numbers: fc.array(i32, { maxLength: 5 }),
    names: fc.dictionary(fc.oneof(text, fc.constantFrom("__proto__", "constructor", "")), text, { maxKeys: 4 }),
    side: fc.oneof(fc.record({ case: fc.constant("left"), value: text }), fc.record({ case: fc.constant("right"), value: i32 })),
    maybe: i32,
  },
  { requiredKeys: [] },
);
