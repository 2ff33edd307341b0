import { type DescFile, type DescMessage, type DescMethod, type DescService, getOption, hasOption } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import {
  handler,
  type Method,
  method as methodOption,
  type Policy,
  policy as policyOption,
  remote,
  session as sessionOption,
} from "../gen/nano/options_pb.ts";
import { lowerFirst, shortName } from "./names.ts";
import { type MethodKind, merge } from "./policy.ts";

/** A service of the schema that nano knows. */
export interface ServiceModel {
  readonly desc: DescService;
  readonly kind: "handler" | "remote";
  /** The type of server that hosts it. */
  readonly server: string;
  /** The service's name without "Service": it names everything that is printed. */
  readonly name: string;
  /** What a method that says nothing gets, as the service says. */
  readonly defaults: Method | undefined;
  /** What its package says of every service. */
  readonly packagePolicy: Policy | undefined;
  readonly session: DescMessage | undefined;
  readonly methods: readonly MethodModel[];
}

/** One method with its policy. */
export interface MethodModel {
  readonly desc: DescMethod;
  readonly kind: MethodKind;
  readonly route: string;
  /** What stands beside the method itself. */
  readonly own: Method | undefined;
  /** Method over service over package. */
  readonly policy: Method;
  readonly idempotent: "no" | "idempotent" | "no_side_effects";
}

/** The services of files that nano knows. A policy holds for its package, whichever of its files says it. */
export function readServices(files: readonly DescFile[]): ServiceModel[] {
  const policies = new Map<string, Policy>();
  for (const file of files) {
    if (hasOption(file, policyOption)) policies.set(file.proto.package, getOption(file, policyOption));
  }
  return files.flatMap((file) => file.services.flatMap((desc) => readService(desc, policies.get(file.proto.package)) ?? []));
}

/** Reads a service; undefined where it is neither handler nor remote. */
function readService(desc: DescService, packagePolicy: Policy | undefined): ServiceModel | undefined {
  const kind = hasOption(desc, handler) ? "handler" : hasOption(desc, remote) ? "remote" : undefined;
  if (!kind) return undefined;
  const { server, defaults } = getOption(desc, kind === "handler" ? handler : remote);
  const name = shortName(desc);
  const methods = desc.methods.map((method): MethodModel => {
    const methodKind = kindOf(kind, method);
    const own = hasOption(method, methodOption) ? getOption(method, methodOption) : undefined;
    const policy = merge(methodKind, [packagePolicy?.defaults, defaults], own);
    return {
      desc: method,
      kind: methodKind,
      route: policy.route || `${server}.${lowerFirst(name)}.${lowerFirst(method.name)}`,
      own,
      policy,
      idempotent: idempotency(method),
    };
  });
  return { desc, kind, server, name, defaults, packagePolicy, session: sessionMessage(desc.file), methods };
}

/** The name that a file gives to its session's data; empty where it gives none. */
export function sessionName(file: DescFile): string {
  return hasOption(file, sessionOption) ? getOption(file, sessionOption) : "";
}

/** The message that a name means in a file: a full name, or one of the file's package. Looks through all that the file imports. */
export function findMessage(file: DescFile, name: string): DescMessage | undefined {
  const wanted = new Set([name, fullName(file, name)]);
  const seen = new Set<DescFile>();
  function look(one: DescFile): DescMessage | undefined {
    if (seen.has(one)) return undefined;
    seen.add(one);
    return nested(one.messages).find((message) => wanted.has(message.typeName)) ?? first(one.dependencies, look);
  }
  return look(file);
}

/** The full name of what a file calls by a short one. */
export function fullName({ proto }: DescFile, name: string): string {
  return proto.package === "" ? name : `${proto.package}.${name}`;
}

function nested(messages: readonly DescMessage[]): DescMessage[] {
  return messages.flatMap((message) => [message, ...nested(message.nestedMessages)]);
}

function first<T, R>(items: readonly T[], find: (item: T) => R | undefined): R | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

function sessionMessage(file: DescFile): DescMessage | undefined {
  const name = sessionName(file);
  return name === "" ? undefined : findMessage(file, name);
}

function kindOf(service: "handler" | "remote", { methodKind }: DescMethod): MethodKind {
  if (service === "remote") return "remote";
  return methodKind === "client_streaming" ? "notify" : methodKind === "server_streaming" ? "push" : "request";
}

function idempotency({ idempotency: level }: DescMethod): MethodModel["idempotent"] {
  if (level === MethodOptions_IdempotencyLevel.IDEMPOTENT) return "idempotent";
  return level === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS ? "no_side_effects" : "no";
}
