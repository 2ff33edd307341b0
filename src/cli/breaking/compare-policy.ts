import { Access, type Method, MethodSchema, method as methodOption, Order } from "../../../gen/nano/options_pb.ts";
import type { MethodModel } from "../../../plugin/model.ts";
import { position } from "../../../plugin/position.ts";
import { defaultTimeoutMs } from "../../contract/index.ts";
import { compareRules } from "./compare-rules.ts";
import type { Note } from "./finding.ts";

/** What is asked of those who call, and what they may expect. */
export function comparePolicy(name: string, was: MethodModel, is: MethodModel, note: Note): void {
  const at = (field: keyof typeof MethodSchema.field): string => optionAt(is, field);
  const [old, now] = [was.policy, is.policy];
  compareAccess(name, old, now, at("access"), note);
  compareRoles(name, old, now, at("roles"), note);
  compareNumber(name, "TIMEOUT", "ms for an answer", at("timeoutMs"), note, {
    was: old.timeoutMs ?? defaultTimeoutMs,
    is: now.timeoutMs ?? defaultTimeoutMs,
  });
  compareNumber(name, "MAX_BYTES", "bytes at most", at("maxBytes"), note, { was: old.maxBytes, is: now.maxBytes });
  compareNumber(name, "LIMIT", "calls a second", at("limit"), note, { was: old.limit?.perSecond, is: now.limit?.perSecond });
  compareNumber(name, "BURST", "calls at once", at("limit"), note, { was: burst(old), is: burst(now) });
  compareOrder(name, old, now, at("order"), note);
  compareRouting(name, was, is, at(now.routeBy.case === "key" ? "key" : "sticky"), note);
  if (was.idempotent !== is.idempotent) {
    const lost = is.idempotent === "no";
    const words = lost ? `${name} is not idempotent any more: clients may have asked it twice` : `${name} is ${is.idempotent}`;
    note(lost ? "mayBreak" : "safe", lost ? "IDEMPOTENT_REMOVED" : "IDEMPOTENT_ADDED", at("route"), words);
  }
  compareRules(name, was, is, at("validate"), note);
}

/** Where an option of a method stands, or else the method. */
export function optionAt({ desc }: MethodModel, field: keyof typeof MethodSchema.field): string {
  return position(desc, methodOption.number, MethodSchema.field[field].number);
}

function compareAccess(name: string, was: Method, is: Method, at: string, note: Note): void {
  const [old, now] = [was.access === Access.PUBLIC, is.access === Access.PUBLIC];
  if (old && !now)
    note(
      "mayBreak",
      "ACCESS_NARROWED",
      at,
      `${name} was public and needs a user: clients that call it before they log in are refused`,
    );
  if (!old && now) note("safe", "ACCESS_WIDENED", at, `${name} needed a user and is public: anybody may call it`);
}

function compareRoles(name: string, was: Method, is: Method, at: string, note: Note): void {
  const lost = was.roles.filter((role) => !is.roles.includes(role));
  const gained = is.roles.filter((role) => !was.roles.includes(role));
  if (lost.length + gained.length === 0) return;
  const roles = ({ roles }: Method): string => (roles.length === 0 ? "none" : roles.join(" or "));
  const words = `${name} needed the role ${roles(was)} and needs ${roles(is)}`;
  const narrowed = is.roles.length > 0 && (was.roles.length === 0 || lost.length > 0);
  if (narrowed) note("mayBreak", "ROLES_NARROWED", at, `${words}: some who called it are refused`);
  else note("safe", "ROLES_WIDENED", at, words);
}

/** A number of which clients like to have more; undefined is without end. */
function compareNumber(
  name: string,
  rule: string,
  unit: string,
  at: string,
  note: Note,
  { was, is }: { readonly was: number | undefined; readonly is: number | undefined },
): void {
  const [old, now] = [was ?? Number.POSITIVE_INFINITY, is ?? Number.POSITIVE_INFINITY];
  if (old === now) return;
  const words = `${name} had ${was ?? "any number of"} and has ${is ?? "any number of"} ${unit}`;
  if (now < old) note("mayBreak", `${rule}_LOWERED`, at, `${words}: what clients did within the old is refused`);
  else note("safe", `${rule}_RAISED`, at, words);
}

function burst({ limit }: Method): number | undefined {
  return limit && (limit.burst || limit.perSecond);
}

function compareOrder(name: string, was: Method, is: Method, at: string, note: Note): void {
  const [old, now] = [was.order === Order.CONCURRENT, is.order === Order.CONCURRENT];
  if (!old && now)
    note(
      "mayBreak",
      "ORDER_LOST",
      at,
      `calls of ${name} waited for each other and run side by side: their answers may change places`,
    );
  if (old && !now) note("safe", "ORDER_GAINED", at, `calls of ${name} ran side by side and wait for each other`);
}

function compareRouting(name: string, was: MethodModel, is: MethodModel, at: string, note: Note): void {
  const [old, now] = [was.policy.routeBy, is.policy.routeBy];
  if (old.case === now.case && old.value === now.value) return;
  const key = now.case === "key" ? now.value : undefined;
  const unsent = key !== undefined && !was.desc.input.fields.some((field) => field.name === key);
  if (unsent)
    note(
      "mayBreak",
      "KEY_NOT_SENT",
      at,
      `${name} is routed by ${key}, which clients that were shipped do not send: all their calls have the same key`,
    );
  else note("safe", "ROUTING_CHANGED", at, `${name} goes to another server of its type`);
}
