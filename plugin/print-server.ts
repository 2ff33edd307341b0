import type { DescFile } from "@bufbuild/protobuf";
import type { GeneratedFile, Printable } from "@bufbuild/protoplugin";
import { Access } from "../gen/nano/options_pb.ts";
import { commentOf, policyWords } from "./describe.ts";
import type { MethodModel, ServiceModel } from "./model.ts";
import type { PrintDetails } from "./print-codec.ts";
import { callType, printErrorType } from "./print-errors.ts";
import { memberName, printInterface } from "./print-interface.ts";
import { printMethodTable, printPushTable } from "./print-table.ts";

const door = "nano-rpc/codegen";

/** Prints `*_nano.ts`: what servers implement, push and call. */
export function printServer(f: GeneratedFile, file: DescFile, services: readonly ServiceModel[], details: PrintDetails): void {
  f.preamble(file);
  for (const service of services) {
    if (service.kind === "handler") printHandler(f, service, details);
    else printRemote(f, service, details);
  }
}

function printHandler(f: GeneratedFile, service: ServiceModel, details: PrintDetails): void {
  const { name, desc, session } = service;
  const calls = service.methods.filter(({ kind }) => kind !== "push");
  const pushes = service.methods.filter(({ kind }) => kind === "push");
  printInterface(f, `${name}Handler`, commentOf(desc), calls, (method) => {
    const context = f.import(method.policy.access === Access.PUBLIC ? "PublicContext" : "HandlerContext", door, true);
    const data = session ? ["<", f.importShape(session), ">"] : [];
    const { input } = method.desc;
    const argument = method.kind === "request" ? "request" : "message";
    f.print(f.jsDoc(commentOf(method.desc, policyWords(method)), "  "));
    f.print`  ${memberName(method)}(${argument}: ${f.importShape(input)}, ctx: ${context}${data}): ${answer(f, method)};`;
  });
  printMethodTable(f, service, calls, details);
  if (pushes.length > 0) printPushTable(f, service, pushes, details.codec);
  printDefinition(
    f,
    service,
    [f.import("HandlerService", door, true), `<${name}Handler>`],
    [
      ...(session ? [["session: ", f.importSchema(session)]] : []),
      [`methods: ${name}Method`],
      ...(pushes.length > 0 ? [[`pushes: ${name}Push`]] : []),
    ],
  );
}

function printRemote(f: GeneratedFile, service: ServiceModel, details: PrintDetails): void {
  const { name, desc, methods } = service;
  printInterface(f, `${name}Remote`, commentOf(desc), methods, (method) => {
    const { input } = method.desc;
    const context = f.import("RemoteContext", door, true);
    f.print(f.jsDoc(commentOf(method.desc), "  "));
    f.print`  ${memberName(method)}(request: ${f.importShape(input)}, ctx: ${context}): ${answer(f, method)};`;
  });
  const calls = `Calls ${desc.typeName} on another server.\n\n@generated from service ${desc.typeName}`;
  printInterface(f, `${name}Caller`, calls, methods, (method) => {
    const { input } = method.desc;
    const init = [f.import("Init", door, true), "<", f.importShape(input), ">"];
    const options = f.import("CallOptions", door, true);
    f.print(f.jsDoc(commentOf(method.desc, policyWords(method)), "  "));
    f.print`  ${memberName(method)}(request: ${init}, options?: ${options}): ${callType(f, door, method)};`;
  });
  for (const method of methods) printErrorType(f, door, method);
  printMethodTable(f, service, methods, details);
  const type = [f.import("RemoteService", door, true), `<${name}Remote, ${name}Caller>`];
  printDefinition(f, service, type, [[`methods: ${name}Method`]]);
}

function answer(f: GeneratedFile, { kind, desc }: MethodModel): Printable {
  if (kind === "notify") return f.import("Done", door, true);
  return [f.import("Answer", door, true), "<", f.importShape(desc.output), ">"];
}

function printDefinition(f: GeneratedFile, service: ServiceModel, type: Printable, rest: readonly Printable[]): void {
  const { name, kind, server, desc } = service;
  f.print(f.jsDoc(commentOf(desc)));
  f.print`${f.export("const", `${name}${kind === "handler" ? "Handler" : "Remote"}`)}: ${type} = {`;
  f.print("  codegen: 1,");
  f.print`  kind: "${kind}",`;
  f.print`  server: ${f.string(server)},`;
  f.print`  service: ${f.string(desc.typeName)},`;
  for (const entry of rest) f.print`  ${entry},`;
  f.print("};");
  f.print();
}
