import type { MethodModel, ServiceModel } from "../../../plugin/model.ts";
import type { Image } from "../image/image.ts";
import { placeOf } from "../image/source.ts";
import { compareErrors } from "./compare-errors.ts";
import { compareFields } from "./compare-fields.ts";
import { comparePolicy } from "./compare-policy.ts";
import { comparePush } from "./compare-push.ts";
import type { Finding, Note } from "./finding.ts";

/** What a schema changes for clients that were generated from another, beyond the encoding of messages. Clients know a method by its route, servers a remote by its path. */
export function compareSchemas(before: Image, after: Image): Finding[] {
  const findings: Finding[] = [];
  const note: Note = (bucket, rule, at, message) => void findings.push({ bucket, rule, at, message });
  const [old, now] = [methodsOf(before.services), methodsOf(after.services)];
  for (const [name, was] of old) {
    const is = now.get(name);
    if (!is) noteGone(was, name, note);
    else compareMethod(name, was, is, note);
  }
  for (const [name, { desc, kind }] of now) {
    if (!old.has(name)) note("safe", "ROUTE_ADDED", placeOf(desc), `${name} is new, a ${kind}`);
  }
  compareFields(messagesOf(old), messagesOf(now), note);
  return findings;
}

function methodsOf(services: readonly ServiceModel[]): ReadonlyMap<string, MethodModel> {
  return new Map(services.flatMap(({ methods }) => methods.map((method) => [nameOf(method), method] as const)));
}

/** What callers know a method by. */
function nameOf({ kind, route, desc }: MethodModel): string {
  return kind === "remote" ? `/${desc.parent.typeName}/${desc.name}` : route;
}

function messagesOf(methods: ReadonlyMap<string, MethodModel>): readonly MethodModel["desc"]["input"][] {
  return [...methods.values()].flatMap(({ desc }) => [desc.input, desc.output]);
}

function noteGone({ desc, kind }: MethodModel, name: string, note: Note): void {
  if (kind === "push")
    return note("mayBreak", "PUSH_GONE", placeOf(desc), `${name} is gone: clients that wait for it wait in vain`);
  const callers = kind === "remote" ? "servers that are not updated yet" : "clients that were shipped";
  note(
    "refused",
    "ROUTE_GONE",
    placeOf(desc),
    `${name} is gone: ${callers} call it; keep it, or set its route on what takes its place`,
  );
}

function compareMethod(name: string, was: MethodModel, is: MethodModel, note: Note): void {
  const at = placeOf(is.desc);
  if (was.kind !== is.kind) {
    return note("refused", "KIND_CHANGED", at, `${name} was a ${was.kind} and is a ${is.kind}: make it another method`);
  }
  for (const side of ["input", "output"] as const) {
    const [one, other] = [was.desc[side].typeName, is.desc[side].typeName];
    if (one === other) continue;
    note("refused", "MESSAGE_CHANGED", at, `the ${side} of ${name} was ${one} and is ${other}: make it another method`);
  }
  if (is.kind === "push") return comparePush(name, was, is, note);
  // What other servers may ask is no contract with clients.
  if (is.kind === "remote") return;
  comparePolicy(name, was, is, note);
  compareErrors(name, was, is, note);
}
