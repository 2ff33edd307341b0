import { gunzipSync } from "node:zlib";
import { createFileRegistry, type DescMessage, type FileRegistry, fromBinary } from "@bufbuild/protobuf";
import {
  type DescriptorProto,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  ValueSchema,
} from "@bufbuild/protobuf/wkt";
import { DocSchema, ProtoDescriptorsSchema, ProtoNamesSchema } from "../../../gen/nano/client/v1/reflection_pb.ts";
import { reflectCodec } from "../../client/codegen.ts";
import type { Client } from "../../client/index.ts";

/** What is known of a route. */
export interface KnownRoute {
  readonly route: string;
  readonly kind: "request" | "notify" | "push";
  /** Undefined for a push. */
  readonly input: DescMessage | undefined;
  /** Undefined for a notify. */
  readonly output: DescMessage | undefined;
}

/** The routes of a server. */
export interface RouteBook {
  /** Whether routes and their messages are known; else everything is JSON, as it is typed. */
  readonly known: boolean;
  /** Where they are known from, as "reflection"; empty where they are not. */
  readonly source: string;
  readonly routes: readonly KnownRoute[];
  find(route: string): KnownRoute | undefined;
}

/** A book of routes. @param source Where they are known from. */
export function routeBook(source: string, routes: readonly KnownRoute[]): RouteBook {
  const sorted = [...routes].sort((one, other) => (one.route < other.route ? -1 : 1));
  const byRoute = new Map(sorted.map((route) => [route.route, route]));
  return { known: true, source, routes: sorted, find: (route) => byRoute.get(route) };
}

/** For servers of which nothing is known: any JSON goes out, any comes back. */
export const plainBook: RouteBook = {
  known: false,
  source: "",
  routes: [],
  find: (route) => ({ route, kind: "request", input: ValueSchema, output: ValueSchema }),
};

// Descriptors of a whole game; more is no schema.
const mostBytes = 16 * 1_024 * 1_024;

/** Asks a server for its schema, by reflection. Undefined where it does not tell. @param complain Hears why what it tells cannot be read. */
export async function learnRoutes(
  client: Client,
  timeoutMs: number,
  complain: (why: string) => void,
): Promise<RouteBook | undefined> {
  const book = client.service<{
    docs(request: object, options: object): Promise<{ readonly doc: string }>;
    descriptors(request: object, options: object): Promise<{ readonly desc: readonly Uint8Array[] }>;
  }>({
    codegen: 1,
    kind: "client",
    service: "nano.Reflection",
    methods: {
      docs: { kind: "request", route: "nano.docs", input: reflectCodec(ProtoNamesSchema), output: reflectCodec(DocSchema) },
      descriptors: {
        ...{ kind: "request", route: "nano.descriptors" },
        ...{ input: reflectCodec(ProtoNamesSchema), output: reflectCodec(ProtoDescriptorsSchema) },
      },
    },
  });
  let doc: string;
  try {
    ({ doc } = await book.docs({}, { timeoutMs }));
  } catch {
    return undefined;
  }
  // A server that answers whatever it is asked, and does not know this.
  if (doc === "") return undefined;
  try {
    const told: unknown = JSON.parse(doc);
    const shown = shownRoutes(told);
    const names = [...namesIn(told)];
    const { desc } = await book.descriptors({ name: names }, { timeoutMs });
    let left = mostBytes;
    const files = desc.map((bytes) => {
      const file = gunzipSync(bytes, { maxOutputLength: left });
      left = Math.max(1, left - file.length);
      return fromBinary(FileDescriptorProtoSchema, file);
    });
    return read(shown, registryOf(files));
  } catch (reason) {
    complain(`the schema that the server tells cannot be read: ${reason instanceof Error ? reason.message : reason}`);
    return undefined;
  }
}

interface ShownRoute {
  readonly route: string;
  readonly input: string | undefined;
  readonly output: string | undefined;
}

// Pitaya's form: an object under the name of its type, with a star before it.
function shownRoutes(doc: unknown): readonly ShownRoute[] {
  const { handlers } = doc as {
    readonly handlers: Readonly<Record<string, { readonly input: unknown; readonly output: unknown }>>;
  };
  return Object.entries(handlers).map(([route, { input, output }]) => ({
    ...{ route, input: typeName(input) },
    output: typeName(Array.isArray(output) ? output[0] : undefined),
  }));
}

/** Every type that is spelled out somewhere: what fields hold may stand in other files. */
function namesIn(shown: unknown, names = new Set<string>()): ReadonlySet<string> {
  if (typeof shown !== "object" || shown === null) return names;
  for (const [name, value] of Object.entries(shown)) {
    if (name.startsWith("*")) names.add(name.slice(1));
    namesIn(value, names);
  }
  return names;
}

function typeName(shown: unknown): string | undefined {
  if (typeof shown !== "object" || shown === null) return undefined;
  return Object.keys(shown)[0]?.replace(/^\*/, "");
}

/** A file that was told before comes as an empty one; what a file leans on comes in any order. */
function registryOf(files: readonly FileDescriptorProto[]): FileRegistry {
  return createFileRegistry({ $typeName: FileDescriptorSetSchema.typeName, file: ordered(files).map(ownNames) });
}

/** Types go by names with "proto." before them, for Pitaya's sake: by their own, Timestamp and its like are written as they should be. */
function ownNames(file: FileDescriptorProto): FileDescriptorProto {
  if (!file.package.startsWith("proto.")) return file;
  file.package = file.package.slice("proto.".length);
  const rename = (type: DescriptorProto): void => {
    for (const field of type.field) field.typeName = field.typeName.replace(/^\.proto\./, ".");
    type.nestedType.forEach(rename);
  };
  file.messageType.forEach(rename);
  return file;
}

function ordered(files: readonly FileDescriptorProto[]): FileDescriptorProto[] {
  const byName = new Map(files.map((file) => [file.name, file]));
  const done = new Set<FileDescriptorProto>();
  const add = (file: FileDescriptorProto | undefined): void => {
    if (!file || done.has(file)) return;
    for (const name of file.dependency) add(byName.get(name));
    done.add(file);
  };
  for (const file of byName.values()) add(file);
  return [...done];
}

function read(shown: readonly ShownRoute[], registry: FileRegistry): RouteBook {
  const find = (name: string | undefined): DescMessage | undefined =>
    name === undefined ? undefined : registry.getMessage(name.replace(/^proto\./, ""));
  const routes = shown.map(({ route, input, output }): KnownRoute => {
    const kind = input === undefined ? "push" : output === undefined ? "notify" : "request";
    return { route, kind, input: find(input), output: find(output) };
  });
  return routeBook("reflection", routes);
}
