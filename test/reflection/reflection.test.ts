import { gunzipSync } from "node:zlib";
import { createFileRegistry, type DescMessage, type FileRegistry, fromBinary, toBinary, toJson } from "@bufbuild/protobuf";
import {
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  StructSchema,
  TimestampSchema,
} from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ErrorSchema } from "../../gen/nano/client/v1/client_pb.ts";
import { createReflection, type ShownRoute } from "../../src/reflection/index.ts";
import { anyFields, KindsSchema, kinds } from "../serializer/kinds.ts";

const routes: readonly ShownRoute[] = [
  { route: "a.b.ask", kind: "request", input: KindsSchema, output: StructSchema },
  { route: "a.b.tell", kind: "notify", input: TimestampSchema, output: StructSchema },
  { route: "a.b.fail", kind: "request", input: TimestampSchema, output: ErrorSchema },
  { route: "a.b.told", kind: "push", input: TimestampSchema, output: FileDescriptorSetSchema },
];
const reflection = createReflection(() => routes);

/** Every name in the docs, in the order they come. */
function names(): string[] {
  return [...new Set([...reflection.docs().doc.matchAll(/"\*(proto[\w.]+)"/g)].map(([, name = ""]) => name))];
}

function described(): FileDescriptorProto[] {
  return reflection.descriptors(names()).desc.map((gzip) => fromBinary(FileDescriptorProtoSchema, gunzipSync(gzip)));
}

function registry(): FileRegistry {
  const files = new Map(described().map((file) => [file.name, file]));
  const file = new Set<FileDescriptorProto>();
  const add = (one: FileDescriptorProto | undefined): void => {
    if (!one) throw new Error("an imported file did not come");
    for (const name of one.dependency) add(files.get(name));
    file.add(one);
  };
  for (const one of files.values()) add(one);
  return createFileRegistry({ $typeName: "google.protobuf.FileDescriptorSet", file: [...file] });
}

function shown(name: string): DescMessage {
  const message = registry().getMessage(name);
  if (!message) throw new Error(`${name} is not described`);
  return message;
}

describe("docs", () => {
  const own = ["nano.docs", "nano.descriptors"];
  const docs = JSON.parse(reflection.docs().doc);

  test("have requests, notifies, pushes and the routes of reflection itself, no remotes", () => {
    expect(Object.keys(docs.handlers)).toEqual(["a.b.ask", "a.b.tell", "a.b.fail", "a.b.told", ...own]);
    expect(docs.remotes).toEqual({});
    expect(docs.handlers["a.b.tell"]).toEqual({
      input: { "*proto.google.protobuf.Timestamp": { seconds: "int64", nanos: "int32" } },
      output: ["error"],
    });
    expect(docs.handlers["a.b.told"].input).toBeNull();
    expect(docs.handlers["nano.descriptors"]).toEqual({
      input: { "*protos.ProtoNames": { name: ["string"] } },
      output: [{ "*protos.ProtoDescriptors": { desc: ["bytes"] } }, "error"],
    });
  });

  test("spell a message out once, where it stands first: it may hold itself", () => {
    expect(docs.handlers["a.b.ask"].input["*proto.test.Kinds"]).toMatchObject({
      text: "string",
      color: { "*proto.test.Color": "RED | GREEN | BLUE" },
      child: { "*proto.test.Kinds": {} },
      numbers: ["int32"],
      names: { string: "string" },
      left: "string",
    });
  });
});

describe("descriptors", () => {
  test("are one for each name, and each file comes once", () => {
    const files = described();
    expect(files).toHaveLength(names().length);
    const full = files.filter(({ messageType, enumType }) => messageType.length + enumType.length > 0);
    expect(new Set(full.map(({ name }) => name)).size).toBe(full.length);
    expect(new Set(files.map(({ name }) => name)).size).toBe(files.length);
  });

  test("read and write what the messages themselves do", () => {
    const schema = shown("proto.test.Kinds");
    fc.assert(
      fc.property(anyFields, (fields) => {
        const message = kinds(fields);
        const bytes = toBinary(KindsSchema, message);
        // An enum's number without a name is kept, though not in its place.
        const again = toBinary(schema, fromBinary(schema, bytes));
        expect(toBinary(KindsSchema, fromBinary(KindsSchema, again))).toEqual(bytes);
      }),
    );
    const message = kinds({ text: "a", numbers: [1, 2], names: { x: "y" }, side: { case: "left", value: "l" }, color: 3 });
    expect(toJson(schema, fromBinary(schema, toBinary(KindsSchema, message)))).toEqual({
      text: "a",
      numbers: [1, 2],
      names: { x: "y" },
      left: "l",
      color: "GREEN",
    });
  });

  test("name the files that hold what they use", () => {
    const imports = new Map(described().map(({ name, dependency }) => [name, dependency]));
    expect(imports.get("proto/nano/client/v1/client.proto")).toEqual(["proto/google/protobuf/any.proto"]);
    expect(imports.get("proto/kinds.proto")).toEqual([]);
  });

  test("tell which fields exclude each other", () => {
    expect(shown("proto.test.Kinds").oneofs.map(({ name, fields }) => [name, fields.map((field) => field.name)])).toEqual([
      ["side", ["left", "right"]],
    ]);
  });

  test("hold nested types and recursion", () => {
    const bytes = toBinary(FileDescriptorSetSchema, {
      $typeName: "google.protobuf.FileDescriptorSet",
      file: [FileDescriptorSetSchema.file.proto],
    });
    const schema = shown("proto.google.protobuf.FileDescriptorSet");
    expect(toBinary(schema, fromBinary(schema, bytes))).toEqual(bytes);
    expect(registry().getEnum("proto.google.protobuf.FieldDescriptorProto.Type")?.values.length).toBe(18);
  });

  test("say nothing but names, numbers and types", () => {
    for (const file of described()) {
      expect([file.service, file.extension, file.options, file.sourceCodeInfo, file.syntax]).toEqual([
        [],
        [],
        undefined,
        undefined,
        "",
      ]);
    }
  });

  test("are not told for a name that the docs do not have, or for one twice", () => {
    expect(() => reflection.descriptors(["proto.test.Nothing"])).toThrow(expect.objectContaining({ code: "not_found" }));
    const [name = ""] = names();
    expect(() => reflection.descriptors([name, name])).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  });
});
