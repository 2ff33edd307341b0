import { createHash } from "node:crypto";
import { type DescFile, type DescMessage, toBinary } from "@bufbuild/protobuf";
import { DescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import type { GeneratedFile, Printable } from "@bufbuild/protoplugin";
import { commentOf } from "./describe.ts";
import { findMessage, type MethodModel, type ServiceModel } from "./model.ts";
import { codec, errorUnion } from "./print-server.ts";

const door = "nano-rpc/client/codegen";

/** Prints `*_client.ts`: what clients ask, tell and hear. It knows no server, so that browsers need none. */
export function printClient(f: GeneratedFile, file: DescFile, services: readonly ServiceModel[]): void {
  f.preamble(file);
  for (const service of services) printService(f, service);
}

function printService(f: GeneratedFile, service: ServiceModel): void {
  const { name, desc, methods } = service;
  f.print(f.jsDoc(commentOf(desc)));
  f.print(f.export("interface", `${name}Client`), " {");
  for (const [at, method] of methods.entries()) {
    if (at > 0) f.print();
    f.print(f.jsDoc(commentOf(method.desc), "  "));
    f.print("  ", member(f, service, method), ";");
  }
  f.print("}");
  f.print();
  for (const method of methods) {
    if (method.kind !== "request" || method.policy.errors.length === 0) continue;
    f.print(f.jsDoc(`How ${desc.typeName}.${method.desc.name} fails.`));
    f.print(f.export("type", errorName(service, method)), " = ", errorUnion(f, door, method), ";");
    f.print();
  }
  f.print(f.jsDoc(commentOf(desc)));
  f.print(f.export("const", `${name}Client`), ": ", f.import("ClientService", door, true), `<${name}Client> = {`);
  f.print("  codegen: 1,");
  f.print('  kind: "client",');
  f.print("  service: ", f.string(desc.typeName), ",");
  f.print("  fingerprint: ", f.string(fingerprint(service)), ",");
  f.print("  methods: {");
  for (const method of methods) {
    f.print("    ", method.desc.localName, ": {");
    for (const entry of entries(f, method)) f.print("      ", entry, ",");
    f.print("    },");
  }
  f.print("  },");
  f.print("};");
  f.print();
}

function member(f: GeneratedFile, service: ServiceModel, method: MethodModel): Printable {
  const { desc, kind } = method;
  const init = [f.import("Init", door, true), "<", f.importShape(desc.input), ">"];
  if (kind === "push")
    return ["readonly on", desc.name, ": ", f.import("Listen", door, true), "<", f.importShape(desc.output), ">"];
  if (kind === "notify") return [desc.localName, "(message: ", init, "): void"];
  const errors = method.policy.errors.length > 0 ? [", ", errorName(service, method)] : [];
  return [
    ...[desc.localName, "(request: ", init, ", options?: ", f.import("CallOptions", door, true), "): "],
    ...[f.import("Call", door, true), "<", f.importShape(desc.output), errors, ">"],
  ];
}

function entries(f: GeneratedFile, { desc, kind, route, policy, idempotent }: MethodModel): Printable[] {
  const entries: Printable[] = [`kind: "${kind}"`, ["route: ", f.string(route)]];
  if (kind === "request") {
    if (policy.timeoutMs !== undefined) entries.push(`timeoutMs: ${policy.timeoutMs}`);
    if (idempotent !== "no") entries.push("idempotent: true");
    if (policy.errors.length > 0) {
      const declared = policy.errors.map(({ code, detail, retryable }, at): Printable => {
        const message = detail === "" ? undefined : findMessage(desc.parent.file, detail);
        const plain = message ? codec(f, door, message) : "null";
        const value =
          retryable === undefined ? plain : ["{ ", message ? ["detail: ", plain, ", "] : [], `retryable: ${retryable} }`];
        return [at > 0 ? ", " : "", code, ": ", value];
      });
      entries.push(["errors: { ", declared, " }"]);
    }
  }
  if (kind !== "push") entries.push(["input: ", codec(f, door, desc.input)]);
  if (kind !== "notify") entries.push(["output: ", codec(f, door, desc.output)]);
  return entries;
}

function errorName({ name }: ServiceModel, { desc }: MethodModel): string {
  return `${name}${desc.name}Error`;
}

/** Changes with every route and every message that clients of the service read or write. */
function fingerprint({ methods }: ServiceModel): string {
  const hash = createHash("sha256");
  const messages = new Map<string, DescMessage>();
  for (const { route, kind, desc } of methods) {
    hash.update(`${kind} ${route} ${desc.input.typeName} ${desc.output.typeName}\n`);
    reach(desc.input, messages);
    reach(desc.output, messages);
  }
  for (const [typeName, message] of [...messages].sort(([one], [other]) => (one < other ? -1 : 1))) {
    hash.update(`${typeName}\n`).update(toBinary(DescriptorProtoSchema, message.proto));
  }
  return hash.digest("hex").slice(0, 16);
}

function reach(message: DescMessage, messages: Map<string, DescMessage>): void {
  if (messages.has(message.typeName)) return;
  messages.set(message.typeName, message);
  for (const field of message.fields) if (field.message) reach(field.message, messages);
}
