import type { DescFile } from "@bufbuild/protobuf";
import type { GeneratedFile, Printable } from "@bufbuild/protoplugin";
import { Access, Delivery, Order } from "../gen/nano/options_pb.ts";
import { commentOf, localName, policyWords } from "./describe.ts";
import { findMessage, type MethodModel, type ServiceModel } from "./model.ts";

const door = "nano-rpc/codegen";

/** Prints `*_nano.ts`: what servers implement, push and call. */
export function printServer(f: GeneratedFile, file: DescFile, services: readonly ServiceModel[]): void {
  f.preamble(file);
  for (const service of services) {
    if (service.kind === "handler") printHandler(f, service);
    else printRemote(f, service);
  }
}

function printHandler(f: GeneratedFile, service: ServiceModel): void {
  const { name, desc } = service;
  const calls = service.methods.filter(({ kind }) => kind !== "push");
  const pushes = service.methods.filter(({ kind }) => kind === "push");
  f.print(f.jsDoc(commentOf(desc)));
  f.print(f.export("interface", `${name}Handler`), " {");
  for (const [at, method] of calls.entries()) {
    const context = f.import(method.policy.access === Access.PUBLIC ? "PublicContext" : "HandlerContext", door, true);
    const data = service.session ? ["<", f.importShape(service.session), ">"] : [];
    const argument = method.kind === "request" ? "request" : "message";
    const gives =
      method.kind === "request"
        ? [f.import("Answer", door, true), "<", f.importShape(method.desc.output), ">"]
        : f.import("Done", door, true);
    if (at > 0) f.print();
    f.print(f.jsDoc(commentOf(method.desc, policyWords(method)), "  "));
    f.print(
      "  ",
      method.desc.localName,
      "(",
      argument,
      ": ",
      f.importShape(method.desc.input),
      ", ctx: ",
      context,
      data,
      "): ",
      gives,
      ";",
    );
  }
  f.print("}");
  f.print();
  printTable(f, service, calls);
  if (pushes.length > 0) printPushes(f, service, pushes);
  printDefinition(
    f,
    service,
    [f.import("HandlerService", door, true), "<", `${name}Handler`, ">"],
    [
      ...(service.session ? [["session: ", f.importSchema(service.session)]] : []),
      [`methods: ${name}Method`],
      ...(pushes.length > 0 ? [[`pushes: ${name}Push`]] : []),
    ],
  );
}

function printRemote(f: GeneratedFile, service: ServiceModel): void {
  const { name, desc, methods } = service;
  f.print(f.jsDoc(commentOf(desc)));
  f.print(f.export("interface", `${name}Remote`), " {");
  for (const [at, method] of methods.entries()) {
    if (at > 0) f.print();
    f.print(f.jsDoc(commentOf(method.desc), "  "));
    f.print(
      ...[
        "  ",
        method.desc.localName,
        "(request: ",
        f.importShape(method.desc.input),
        ", ctx: ",
        f.import("RemoteContext", door, true),
        "): ",
      ],
      ...[f.import("Answer", door, true), "<", f.importShape(method.desc.output), ">;"],
    );
  }
  f.print("}");
  f.print();
  f.print(f.jsDoc(`Calls ${desc.typeName} on another server.\n\n@generated from service ${desc.typeName}`));
  f.print(f.export("interface", `${name}Caller`), " {");
  for (const [at, method] of methods.entries()) {
    if (at > 0) f.print();
    f.print(f.jsDoc(commentOf(method.desc, policyWords(method)), "  "));
    f.print(
      ...[
        "  ",
        method.desc.localName,
        "(request: ",
        f.import("Init", door, true),
        "<",
        f.importShape(method.desc.input),
        ">, options?: ",
      ],
      ...[f.import("CallOptions", door, true), "): ", f.import("Call", door, true), "<", f.importShape(method.desc.output)],
      ...[method.policy.errors.length > 0 ? [", ", errorUnion(f, door, method)] : [], ">;"],
    );
  }
  f.print("}");
  f.print();
  printTable(f, service, methods);
  printDefinition(
    f,
    service,
    [f.import("RemoteService", door, true), "<", `${name}Remote, ${name}Caller`, ">"],
    [[`methods: ${name}Method`]],
  );
}

function printTable(f: GeneratedFile, { name, desc }: ServiceModel, methods: readonly MethodModel[]): void {
  f.print(f.jsDoc(`How the methods of ${desc.typeName} are called.`));
  f.print(f.export("const", `${name}Method`), ": {");
  for (const { desc: rpc, kind } of methods) {
    const type =
      kind === "notify"
        ? [f.import("Notify", door, true), "<", f.importShape(rpc.input), ">"]
        : [f.import("Request", door, true), "<", f.importShape(rpc.input), ", ", f.importShape(rpc.output), ">"];
    f.print("  readonly ", rpc.localName, ": ", type, ";");
  }
  f.print("} = {");
  for (const method of methods) {
    f.print("  ", method.desc.localName, ": {");
    for (const entry of methodEntries(f, method)) f.print("    ", entry, ",");
    f.print("  },");
  }
  f.print("};");
  f.print();
}

function methodEntries(f: GeneratedFile, method: MethodModel): Printable[] {
  const { desc, kind, route, policy, idempotent } = method;
  const { routeBy, limit } = policy;
  const text = (value: string): Printable => f.string(value);
  const entries: Printable[] = [
    [`kind: "${kind === "notify" ? "notify" : "request"}"`],
    ["method: ", f.importSchema(desc.parent), ".method.", desc.localName],
    ["route: ", text(route)],
  ];
  if (policy.access === Access.PUBLIC) entries.push('access: "public"');
  if (policy.roles.length > 0) entries.push(["roles: [", policy.roles.map((role, at) => [at > 0 ? ", " : "", text(role)]), "]"]);
  if (policy.timeoutMs !== undefined) entries.push(`timeoutMs: ${policy.timeoutMs}`);
  if (limit) entries.push(`limit: { perSecond: ${limit.perSecond}, burst: ${limit.burst || limit.perSecond} }`);
  if (policy.maxBytes !== undefined) entries.push(`maxBytes: ${policy.maxBytes}`);
  if (routeBy.case === "key") entries.push(["by: { key: ", text(localName(desc.input, routeBy.value)), " }"]);
  else if (routeBy.case === "sticky" && routeBy.value) entries.push('by: "sticky"');
  if (policy.own !== undefined) entries.push(`own: ${policy.own}`);
  if (policy.order === Order.CONCURRENT) entries.push('order: "concurrent"');
  if (policy.maxConcurrent !== undefined) entries.push(`maxConcurrent: ${policy.maxConcurrent}`);
  if (idempotent !== "no") entries.push("idempotent: true");
  if (policy.validate !== undefined) entries.push(`validate: ${policy.validate}`);
  if (policy.errors.length > 0) entries.push(["errors: { ", errorEntries(f, door, method), " }"]);
  entries.push(["input: ", codec(f, door, desc.input)]);
  if (kind !== "notify") entries.push(["output: ", codec(f, door, desc.output)]);
  return entries;
}

function errorEntries(f: GeneratedFile, from: string, { desc, policy }: MethodModel): Printable {
  return policy.errors.map(({ code, detail, retryable }, at) => {
    const message = detail === "" ? undefined : findMessage(desc.parent.file, detail);
    const parts: Printable[] = [];
    if (message) parts.push(["detail: ", codec(f, from, message)]);
    if (retryable !== undefined) parts.push(`retryable: ${retryable}`);
    const inside = parts.length === 0 ? "{}" : ["{ ", parts.map((part, i) => [i > 0 ? ", " : "", part]), " }"];
    return [at > 0 ? ", " : "", code, ": ", inside];
  });
}

function printPushes(f: GeneratedFile, { name, desc }: ServiceModel, pushes: readonly MethodModel[]): void {
  f.print(f.jsDoc(`What ${desc.typeName} tells clients.\n\n@generated from service ${desc.typeName}`));
  f.print(f.export("const", `${name}Push`), ": {");
  for (const [at, push] of pushes.entries()) {
    if (at > 0) f.print();
    f.print(f.jsDoc(commentOf(push.desc, policyWords(push)), "  "));
    f.print("  readonly ", push.desc.localName, ": ", f.import("Push", door, true), "<", f.importShape(push.desc.output), ">;");
  }
  f.print("} = {");
  for (const { desc: rpc, route, policy } of pushes) {
    f.print("  ", rpc.localName, ": {");
    f.print('    kind: "push",');
    f.print("    method: ", f.importSchema(rpc.parent), ".method.", rpc.localName, ",");
    f.print("    route: ", f.string(route), ",");
    if (policy.delivery === Delivery.LATEST) f.print('    delivery: "latest",');
    if (policy.delivery === Delivery.DROPPABLE) f.print('    delivery: "droppable",');
    if (policy.latestBy !== undefined) f.print("    latestBy: ", f.string(localName(rpc.output, policy.latestBy)), ",");
    f.print("    output: ", codec(f, door, rpc.output), ",");
    f.print("  },");
  }
  f.print("};");
  f.print();
}

function printDefinition(f: GeneratedFile, service: ServiceModel, type: Printable, rest: readonly Printable[]): void {
  const { name, kind, server, desc } = service;
  f.print(f.jsDoc(commentOf(desc)));
  f.print(f.export("const", `${name}${kind === "handler" ? "Handler" : "Remote"}`), ": ", type, " = {");
  f.print("  codegen: 1,");
  f.print(`  kind: "${kind}",`);
  f.print("  server: ", f.string(server), ",");
  f.print("  service: ", f.string(desc.typeName), ",");
  for (const entry of rest) f.print("  ", entry, ",");
  f.print("};");
  f.print();
}

/** A codec of a message, which a bundler may leave out. */
export function codec(f: GeneratedFile, from: string, message: Parameters<GeneratedFile["importSchema"]>[0]): Printable {
  return ["/*@__PURE__*/ ", f.import("reflectCodec", from), "(", f.importSchema(message), ")"];
}

/** How a method fails: every error that it declares, and all others. */
export function errorUnion(f: GeneratedFile, from: string, { desc, policy }: MethodModel): Printable {
  return [
    policy.errors.map(({ code, detail }) => {
      const message = detail === "" ? undefined : findMessage(desc.parent.file, detail);
      return [f.import("DeclaredError", from, true), `<"${code}"`, message ? [", ", f.importShape(message)] : [], "> | "];
    }),
    f.import("UndeclaredError", from, true),
  ];
}
