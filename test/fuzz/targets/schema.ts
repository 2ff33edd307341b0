import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { RoomHandler } from "../../../examples/chat/gen/chat/v1/chat_nano.ts";
import { JoinRequestSchema } from "../../../examples/chat/gen/chat/v1/chat_pb.ts";
import { SchemaKind, SchemaMethodSchema, SchemaSchema } from "../../../gen/nano/cluster/v1/schema_pb.ts";
import { Access, Delivery, MethodSchema, Order } from "../../../gen/nano/options_pb.ts";
import { NanoError } from "../../../src/error/index.ts";
import { packSchema, readSchema } from "../../../src/route/index.ts";
import { fromMethodOptions } from "../../../src/route/policy-message.ts";
import { bytesOf, holds, mustSay, type Target } from "../engine/target.ts";
import { nested, wireTokens, wrongWire } from "./body.ts";

const hashOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
// As small as zlib can be made: an input costs the reading, not the packing.
const pack = (bytes: Uint8Array): Uint8Array => gzipSync(bytes, { level: 0, memLevel: 1, windowBits: 9 });

const real = packSchema([RoomHandler]);

const ending = (gzip: Uint8Array): string => Buffer.from(gzip.subarray(-8)).toString("hex");
const hashes = new Map([small(), new Uint8Array(0)].map((bytes) => [ending(gzipSync(bytes)), hashOf(bytes)]));

/** A schema as it lies in etcd, gzipped. Its hash is in its key. */
export const schemaPack: Target = {
  name: "schema-pack",
  throws: NanoError,
  maxBytes: 65_536,
  tokens: [Uint8Array.of(0x1f, 0x8b, 8, 0), Uint8Array.of(0x1f, 0x8b), Uint8Array.of(1, 0, 0, 0xff, 0xff), Uint8Array.of(3, 0)],
  seeds: () => ({
    real: bytesOf(real.gzip),
    small: bytesOf(pack(small())),
    empty: bytesOf(),
    "nothing-packed": bytesOf(gzipSync("")),
    "another-schema": bytesOf(gzipSync(small())),
    "not-gzip": bytesOf("plain"),
    bomb: bytesOf(gzipSync(new Uint8Array(17 * 1_024 * 1_024), { level: 9 })),
    "two-members": bytesOf(gzipSync(small()), gzipSync(small())),
    "with-a-name": bytesOf(Uint8Array.of(0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3), "n\0", bytesOf(gzipSync(small())).subarray(10)),
    cut: bytesOf(real.gzip).subarray(0, 100),
    "wrong-checksum": bytesOf(bytesOf(gzipSync(small())).subarray(0, -8), new Uint8Array(8)),
    "more-behind": bytesOf(gzipSync(small()), "more"),
  }),
  run(bytes) {
    // The hash is what the key of a schema says: of the one whose checksum and length this ends with.
    read(hashes.get(ending(bytes)) ?? real.hash, bytes);
  },
};

/** What is inside: descriptors, routes and policies. */
export const schemaText: Target = {
  name: "schema",
  throws: NanoError,
  maxBytes: 65_536,
  tokens: [...wireTokens(), ".a.M", "a.S", "google/protobuf/empty.proto", "a.proto", "M", "proto3", "editions"],
  seeds() {
    const all: Record<string, Uint8Array> = { ...wrongWire(), small: small(), empty: bytesOf() };
    const kinds = [
      SchemaKind.UNSPECIFIED,
      SchemaKind.REQUEST,
      SchemaKind.NOTIFY,
      SchemaKind.PUSH,
      SchemaKind.REMOTE,
      99 as SchemaKind,
    ];
    for (const kind of kinds) all[`kind-${kind}`] = small({ kind });
    all["no-such-method"] = small({ method: "Nothing" });
    all["no-such-service"] = small({ service: "a.Nothing" });
    all["empty-route"] = small({ route: "" });
    all["no-policy"] = small({ policy: undefined });
    all["no-files"] = toBinary(
      SchemaSchema,
      create(SchemaSchema, { methods: [create(SchemaMethodSchema, { route: "r", service: "a.S", method: "Do" })] }),
    );
    all["file-twice"] = files(file(), file());
    all["file-that-imports-itself"] = files({ ...file(), dependency: ["a.proto"] });
    all["files-in-a-ring"] = files(
      { ...file(), dependency: ["b.proto"] },
      { ...file(), name: "b.proto", package: "b", dependency: ["a.proto"] },
    );
    all["import-missing"] = files({ ...file(), dependency: ["no.proto"] });
    all["syntax-not-known"] = files({ ...file(), syntax: "proto9" });
    all["edition"] = files({ ...file(), syntax: "editions", edition: 1_000 });
    all["edition-too-late"] = files({ ...file(), syntax: "editions", edition: 99_999 });
    all["proto2"] = files({ ...file(), syntax: "proto2" });
    all["extension-range-unused"] = files({ ...file(), publicDependency: [7], weakDependency: [-1] });
    all["nested"] = bytesOf(0x0a, 0x84, 1, 0x0a, 0x81, 1, nested(0x22, 60).subarray(0, 129));
    return all;
  },
  run: (bytes) => read(hashOf(bytes), pack(bytes)),
};

/** A method's policy as another server writes it. Whatever it says, there is a policy. */
export const policy: Target = {
  name: "policy",
  throws: undefined,
  maxBytes: 65_536,
  tokens: [...wireTokens(), "room", "aborted", "no_such_field"],
  seeds() {
    const policies: MessageInitShape<typeof MethodSchema>[] = [
      {},
      { access: Access.PUBLIC, order: Order.CONCURRENT, delivery: Delivery.LATEST, latestBy: "room" },
      { roles: ["admin", "", "é"], timeoutMs: 1, maxConcurrent: 1, maxBytes: 0, validate: false },
      { limit: { perSecond: 1 } },
      { limit: { perSecond: 0, burst: 5 } },
      { routeBy: { case: "key", value: "room" } },
      { routeBy: { case: "key", value: "no_such_field" } },
      { routeBy: { case: "sticky", value: false }, own: true },
      { errors: [{ code: "aborted", detail: "chat.v1.JoinRequest", retryable: true }, { code: "" }, { code: "no code" }] },
      { access: 99 as Access, order: 99 as Order, delivery: 99 as Delivery, timeoutMs: 4_294_967_295 },
    ];
    const all: Record<string, Uint8Array> = { ...wrongWire() };
    for (const [index, one] of policies.entries()) all[`policy-${index}`] = toBinary(MethodSchema, create(MethodSchema, one));
    return all;
  },
  run(bytes) {
    let options: ReturnType<typeof fromBinary<typeof MethodSchema>>;
    try {
      options = fromBinary(MethodSchema, bytes);
    } catch {
      // A schema with this inside is none: the target above.
      return;
    }
    const { access, order, delivery, by, limit, timeoutMs, maxConcurrent } = fromMethodOptions(options, JoinRequestSchema);
    holds(access === "bound" || access === "public", "the access");
    holds(order === "serial" || order === "concurrent", "the order");
    holds(["replay", "latest", "droppable"].includes(delivery), "the delivery");
    holds(by === "any" || by === "sticky" || typeof by.key === "string", "the way");
    holds(timeoutMs > 0 && maxConcurrent > 0, "no time, or no room");
    holds(limit === undefined || (limit.perSecond > 0 && limit.burst > 0), "a limit that is none");
  },
};

function read(hash: string, gzip: Uint8Array): void {
  try {
    const { routes } = readSchema(hash, gzip);
    for (const [route, info] of routes)
      holds(info.route === route && info.input.typeName !== "" && info.policy.timeoutMs > 0, "half a route");
  } catch (reason) {
    mustSay(reason, "invalid_argument");
  }
}

type Init = Parameters<typeof create<typeof SchemaMethodSchema>>[1];
type File = NonNullable<Parameters<typeof create<typeof FileDescriptorProtoSchema>>[1]>;

function file(): Exclude<File, { readonly $typeName: string }> {
  const type = ".a.M";
  return {
    name: "a.proto",
    package: "a",
    syntax: "proto3",
    messageType: [
      {
        name: "M",
        field: [
          { name: "key", number: 1, type: 9, label: 1, jsonName: "key" },
          { name: "m", number: 2, type: 11, label: 3, typeName: type },
        ],
      },
    ],
    enumType: [{ name: "E", value: [{ name: "E_ZERO", number: 0 }] }],
    service: [{ name: "S", method: [{ name: "Do", inputType: type, outputType: type, clientStreaming: true }] }],
  };
}

function small(differs: Partial<Exclude<Init, { readonly $typeName: string } | undefined>> = {}): Uint8Array {
  const method = {
    route: "t.s.do",
    service: "a.S",
    method: "Do",
    kind: SchemaKind.REQUEST,
    server: "t",
    policy: { access: Access.PUBLIC, timeoutMs: 5 },
  };
  return toBinary(
    SchemaSchema,
    create(SchemaSchema, { files: { file: [file()] }, methods: [create(SchemaMethodSchema, { ...method, ...differs })] }),
  );
}

function files(...all: readonly File[]): Uint8Array {
  const set = create(FileDescriptorSetSchema, { file: all.map((one) => create(FileDescriptorProtoSchema, one)) });
  const method = create(SchemaMethodSchema, {
    route: "t.s.do",
    service: "a.S",
    method: "Do",
    kind: SchemaKind.REQUEST,
    server: "t",
  });
  return toBinary(SchemaSchema, create(SchemaSchema, { files: set, methods: [method] }));
}
