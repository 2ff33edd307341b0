import type { GeneratedFile, Printable } from "@bufbuild/protoplugin";
import { Access, Delivery, Order } from "../gen/nano/options_pb.ts";
import { commentOf, policyWords } from "./describe.ts";
import type { MethodModel, ServiceModel } from "./model.ts";
import { localName } from "./names.ts";
import type { PrintCodec, PrintDetails } from "./print-codec.ts";
import { errorsEntry, type PrintError } from "./print-errors.ts";

const door = "nano-rpc/codegen";

/** Prints the policy of what a service answers, merged: RoomMethod. */
export function printMethodTable(
  f: GeneratedFile,
  { name, desc, methods: all }: ServiceModel,
  methods: readonly MethodModel[],
  details: PrintDetails,
): void {
  const table = all.length > 0 ? `\n\n${details.policyTable(all)}` : "";
  f.print(f.jsDoc(`How the methods of ${desc.typeName} are called.${table}`));
  if (methods.length === 0) {
    f.print`${f.export("const", `${name}Method`)}: {} = {};`;
    return f.print();
  }
  f.print`${f.export("const", `${name}Method`)}: {`;
  for (const { desc: rpc, kind } of methods) {
    const input = f.importShape(rpc.input);
    if (kind === "notify") f.print`  readonly ${rpc.localName}: ${f.import("Notify", door, true)}<${input}>;`;
    else f.print`  readonly ${rpc.localName}: ${f.import("Request", door, true)}<${input}, ${f.importShape(rpc.output)}>;`;
  }
  f.print("} = {");
  for (const method of methods) printEntries(f, method, methodEntries(f, method, details));
  f.print("};");
  f.print();
}

/** Prints what a service tells clients: RoomPush. */
export function printPushTable(
  f: GeneratedFile,
  { name, desc }: ServiceModel,
  pushes: readonly MethodModel[],
  codec: PrintCodec,
): void {
  f.print(f.jsDoc(`What ${desc.typeName} tells clients.\n\n@generated from service ${desc.typeName}`));
  f.print`${f.export("const", `${name}Push`)}: {`;
  for (const [at, push] of pushes.entries()) {
    if (at > 0) f.print();
    f.print(f.jsDoc(commentOf(push.desc, policyWords(push)), "  "));
    f.print`  readonly ${push.desc.localName}: ${f.import("Push", door, true)}<${f.importShape(push.desc.output)}>;`;
  }
  f.print("} = {");
  for (const push of pushes) printEntries(f, push, pushEntries(f, push, codec));
  f.print("};");
  f.print();
}

function printEntries(f: GeneratedFile, { desc }: MethodModel, entries: readonly Printable[]): void {
  f.print`  ${desc.localName}: {`;
  for (const entry of entries) f.print`    ${entry},`;
  f.print("  },");
}

function methodEntries(f: GeneratedFile, method: MethodModel, { codec, check }: PrintDetails): Printable[] {
  const { desc, kind, route, policy, idempotent } = method;
  const { routeBy, limit, roles } = policy;
  const entries: Printable[] = [
    `kind: "${kind === "notify" ? "notify" : "request"}"`,
    ["method: ", f.importSchema(desc.parent), ".method.", desc.localName],
    ["route: ", f.string(route)],
  ];
  if (policy.access === Access.PUBLIC) entries.push('access: "public"');
  if (roles.length > 0) entries.push(["roles: ", f.array(roles.map((role) => f.string(role)))]);
  if (policy.timeoutMs !== undefined) entries.push(`timeoutMs: ${policy.timeoutMs}`);
  if (limit) entries.push(`limit: { perSecond: ${limit.perSecond}, burst: ${limit.burst || limit.perSecond} }`);
  if (policy.maxBytes !== undefined) entries.push(`maxBytes: ${policy.maxBytes}`);
  if (routeBy.case === "key") entries.push(["by: { key: ", f.string(localName(desc.input, routeBy.value)), " }"]);
  else if (routeBy.case === "sticky" && routeBy.value) entries.push('by: "sticky"');
  if (policy.own !== undefined) entries.push(`own: ${policy.own}`);
  if (policy.order === Order.CONCURRENT) entries.push('order: "concurrent"');
  if (policy.maxConcurrent !== undefined) entries.push(`maxConcurrent: ${policy.maxConcurrent}`);
  if (idempotent !== "no") entries.push("idempotent: true");
  if (policy.validate !== undefined) entries.push(`validate: ${policy.validate}`);
  const checked = policy.validate === false ? undefined : check(desc.input);
  if (checked) entries.push(["check: ", checked]);
  if (policy.errors.length > 0) entries.push(errorsEntry(f, door, method, "    ", printError));
  entries.push(["input: ", codec(desc.input)]);
  if (kind !== "notify") entries.push(["output: ", codec(desc.output)]);
  return entries;
}

function pushEntries(f: GeneratedFile, { desc, route, policy }: MethodModel, codec: PrintCodec): Printable[] {
  const entries: Printable[] = [
    'kind: "push"',
    ["method: ", f.importSchema(desc.parent), ".method.", desc.localName],
    ["route: ", f.string(route)],
  ];
  if (policy.delivery === Delivery.LATEST) entries.push('delivery: "latest"');
  if (policy.delivery === Delivery.DROPPABLE) entries.push('delivery: "droppable"');
  if (policy.latestBy !== undefined) entries.push(["latestBy: ", f.string(localName(desc.output, policy.latestBy))]);
  entries.push(["output: ", codec(desc.output)]);
  return entries;
}

const printError: PrintError = (detail, { retryable }) => {
  if (!detail) return retryable === undefined ? "{}" : `{ retryable: ${retryable} }`;
  return ["{ detail: ", detail, retryable === undefined ? "" : `, retryable: ${retryable}`, " }"];
};
