import { createHash } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import {
  create,
  createFileRegistry,
  type DescFile,
  type DescMessage,
  type DescMethod,
  fromBinary,
  type Message,
  type Registry,
  toBinary,
} from "@bufbuild/protobuf";
import { FileDescriptorSetSchema, MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { SchemaKind, type SchemaMethod, SchemaMethodSchema, SchemaSchema } from "../../gen/nano/cluster/v1/schema_pb.ts";
import type { HandlerService, Method, Push, ServiceDefinition } from "../contract/index.ts";
import { NanoError } from "../error/index.ts";
import { fromMethodOptions, type RoutePolicy, toMethodOptions } from "./policy-message.ts";

/** What a route is: asked or told by clients, told to clients, or asked by servers. */
export type RouteKind = "request" | "notify" | "push" | "remote";

/** One route of a server's schema. */
export interface RouteInfo {
  /** As "room.room.join". */
  readonly route: string;
  /** Where plain calls find it, as "/chat.v1.RoomService/Join". */
  readonly path: string;
  readonly kind: RouteKind;
  /** The type of server that hosts it. */
  readonly server: string;
  readonly policy: RoutePolicy;
  /** Whether a second time does no more than the first. */
  readonly idempotent: boolean;
  /** Whether it changes nothing. */
  readonly readOnly: boolean;
  readonly input: DescMessage;
  readonly output: DescMessage;
}

/** What a server can be asked, read from its schema. */
export interface ServerSchema {
  readonly hash: string;
  readonly routes: ReadonlyMap<string, RouteInfo>;
  /** Every message and enum, for JSON with `Any` in it. */
  readonly registry: Registry;
}

/** A schema as it lies in discovery. */
export interface PackedSchema {
  /** The SHA-256 of `bytes` before gzip, in hex. */
  readonly hash: string;
  /** Gzipped `nano.cluster.v1.Schema`. */
  readonly gzip: Uint8Array;
}

// Nobody's schema is that large; a gzip bomb is.
const maxSchemaBytes = 16 * 1024 * 1024;

/** Packs what services answer and tell. The same services give the same hash. */
export function packSchema(services: readonly ServiceDefinition<unknown>[]): PackedSchema {
  const files = new Map<string, DescFile>();
  const methods: SchemaMethod[] = [];
  for (const service of [...services].sort((one, other) => (one.service < other.service ? -1 : 1))) {
    for (const method of Object.values(service.methods)) {
      collect(method.method.parent.file, files);
      for (const error of Object.values(method.errors ?? {})) if (error.detail) collect(error.detail.schema.file, files);
      methods.push(describe(service, method));
    }
    if (!isHandler(service)) continue;
    if (service.session) collect(service.session.file, files);
    for (const push of Object.values(service.pushes ?? {})) {
      collect(push.method.parent.file, files);
      methods.push(describe(service, push));
    }
  }
  methods.sort((one, other) => (one.route < other.route ? -1 : 1));
  const bytes = toBinary(
    SchemaSchema,
    create(SchemaSchema, {
      files: create(FileDescriptorSetSchema, { file: [...files.values()].map((file) => file.proto) }),
      methods,
    }),
  );
  return { hash: createHash("sha256").update(bytes).digest("hex"), gzip: gzipSync(bytes) };
}

/** Reads a packed schema. Throws NanoError `invalid_argument` where it is no schema, or its routes name messages that it does not hold. */
export function readSchema(hash: string, gzip: Uint8Array): ServerSchema {
  try {
    return read(hash, gzip);
  } catch (reason) {
    const why = reason instanceof Error ? reason.message : "";
    throw new NanoError({ code: "invalid_argument", message: `no schema: ${why}`, cause: reason });
  }
}

function read(hash: string, gzip: Uint8Array): ServerSchema {
  const bytes = gunzipSync(gzip, { maxOutputLength: maxSchemaBytes });
  if (createHash("sha256").update(bytes).digest("hex") !== hash) throw new Error(`the schema ${hash} has another hash`);
  const schema = fromBinary(SchemaSchema, bytes);
  const registry = createFileRegistry(schema.files ?? create(FileDescriptorSetSchema));
  const routes = new Map<string, RouteInfo>();
  for (const one of schema.methods) {
    const method = registry.getService(one.service)?.methods.find((candidate) => candidate.name === one.method);
    const kind = kinds.get(one.kind);
    if (!method) throw new Error(`the schema names ${one.service}.${one.method}, which is not in it`);
    // A kind that this version does not know is another version's affair.
    if (kind) routes.set(one.route, info(one, kind, method));
  }
  return { hash, routes, registry };
}

function info(one: SchemaMethod, kind: RouteKind, method: DescMethod): RouteInfo {
  return {
    route: one.route,
    path: `/${one.service}/${one.method}`,
    kind,
    server: one.server,
    policy: fromMethodOptions(one.policy, kind === "push" ? method.output : method.input),
    idempotent: one.idempotent,
    readOnly: method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS,
    input: method.input,
    output: method.output,
  };
}

function describe(service: ServiceDefinition<unknown>, method: Method | Push<Message>): SchemaMethod {
  const policy = method.kind === "push" ? {} : method;
  const push = method.kind === "push" ? method : {};
  return create(SchemaMethodSchema, {
    route: method.route,
    service: service.service,
    method: method.method.name,
    kind:
      service.kind === "remote"
        ? SchemaKind.REMOTE
        : method.kind === "request"
          ? SchemaKind.REQUEST
          : method.kind === "notify"
            ? SchemaKind.NOTIFY
            : SchemaKind.PUSH,
    server: service.server,
    policy: toMethodOptions(policy, push, method.kind === "push" ? method.method.output : method.method.input),
    idempotent: method.kind !== "push" && method.idempotent === true,
    session: isHandler(service) ? (service.session?.typeName ?? "") : "",
  });
}

function isHandler(service: ServiceDefinition<unknown>): service is HandlerService<unknown> {
  return service.kind === "handler";
}

// Dependencies first, as descriptor sets have them.
function collect(file: DescFile, files: Map<string, DescFile>): void {
  if (files.has(file.name)) return;
  for (const dependency of file.dependencies) collect(dependency, files);
  files.set(file.name, file);
}

const kinds = new Map<SchemaKind, RouteKind>([
  [SchemaKind.REQUEST, "request"],
  [SchemaKind.NOTIFY, "notify"],
  [SchemaKind.PUSH, "push"],
  [SchemaKind.REMOTE, "remote"],
]);
