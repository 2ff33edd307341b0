import type { DescFile } from "@bufbuild/protobuf";
import type { GeneratedFile, Printable } from "@bufbuild/protoplugin";
import { commentOf } from "./describe.ts";
import { fingerprint } from "./fingerprint.ts";
import type { MethodModel, ServiceModel } from "./model.ts";
import { listenerName } from "./names.ts";
import type { PrintCodec } from "./print-codec.ts";
import { callType, errorsEntry, type PrintError, printErrorType } from "./print-errors.ts";
import { memberName, printInterface } from "./print-interface.ts";

/** Where what clients are made of comes from. */
export const clientDoor = "nano-rpc/client/codegen";
const door = clientDoor;

/** Prints `*_client.ts`: what clients ask, tell and hear. It knows no server, so that browsers need none. */
export function printClient(f: GeneratedFile, file: DescFile, services: readonly ServiceModel[], codec: PrintCodec): void {
  f.preamble(file);
  for (const service of services) printService(f, service, codec);
}

function printService(f: GeneratedFile, service: ServiceModel, codec: PrintCodec): void {
  const { name, desc, methods } = service;
  printInterface(f, `${name}Client`, commentOf(desc), methods, (method) => {
    f.print(f.jsDoc(commentOf(method.desc), "  "));
    f.print`  ${member(f, method)};`;
  });
  for (const method of methods) if (method.kind === "request") printErrorType(f, door, method);
  f.print(f.jsDoc(commentOf(desc)));
  f.print`${f.export("const", `${name}Client`)}: ${f.import("ClientService", door, true)}<${name}Client> = {`;
  f.print("  codegen: 1,");
  f.print('  kind: "client",');
  f.print`  service: ${f.string(desc.typeName)},`;
  f.print`  fingerprint: ${f.string(fingerprint(service))},`;
  f.print("  methods: {", methods.length > 0 ? "" : "},");
  for (const method of methods) {
    f.print`    ${method.desc.localName}: {`;
    for (const entry of entries(f, method, codec)) f.print`      ${entry},`;
    f.print("    },");
  }
  if (methods.length > 0) f.print("  },");
  f.print("};");
  f.print();
}

function member(f: GeneratedFile, method: MethodModel): Printable {
  const { desc, kind } = method;
  if (kind === "push") {
    return ["readonly ", listenerName(desc), ": ", f.import("Listen", door, true), "<", f.importShape(desc.output), ">"];
  }
  const init = [f.import("Init", door, true), "<", f.importShape(desc.input), ">"];
  if (kind === "notify") return [memberName(method), "(message: ", init, "): void"];
  const options = f.import("CallOptions", door, true);
  return [memberName(method), "(request: ", init, ", options?: ", options, "): ", callType(f, door, method)];
}

function entries(f: GeneratedFile, method: MethodModel, codec: PrintCodec): Printable[] {
  const { desc, kind, route, policy, idempotent } = method;
  const entries: Printable[] = [`kind: "${kind}"`, ["route: ", f.string(route)]];
  if (kind === "request") {
    if (policy.timeoutMs !== undefined) entries.push(`timeoutMs: ${policy.timeoutMs}`);
    if (idempotent !== "no") entries.push("idempotent: true");
    if (policy.errors.length > 0) entries.push(errorsEntry(f, door, method, "      ", printError));
  }
  if (kind !== "push" && policy.validate === false) entries.push("validate: false");
  if (kind !== "push") entries.push(["input: ", codec(desc.input)]);
  if (kind !== "notify") entries.push(["output: ", codec(desc.output)]);
  return entries;
}

// Short where nothing is said: most errors are a code alone.
const printError: PrintError = (detail, { retryable }) => {
  if (retryable === undefined) return detail ?? "null";
  return ["{ ", detail ? ["detail: ", detail, ", "] : "", `retryable: ${retryable} }`];
};
