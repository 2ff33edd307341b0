import type { FieldPatch, GroupName, SessionKey } from "../../gen/nano/cluster/v1/link_pb.ts";
import { NanoError } from "../error/index.ts";

// As everywhere else: names of groups, users, types of messages.
const maxNameCharacters = 256;
const maxRoles = 64;
const maxUsers = 1_000;
const maxExcept = 10_000;
const maxReasonCharacters = 1_024;
const maxCleared = 1_024;
const sessionIdBytes = 16;
const deliveries: ReadonlySet<string> = new Set(["", "replay", "latest", "droppable"]);

/** What there is to know of a push before it is made. */
export interface PushRequest {
  readonly route: string;
  readonly body: Uint8Array;
  readonly delivery: string;
}

/** Which pushes a frontend takes. */
export interface PushRules {
  /** Whether a schema of the cluster has the push. */
  knowsPush(route: string): boolean;
  /** The largest body of a push, in bytes. */
  readonly maxPushBytes: number;
}

/** Throws where there is no session. The right to it is checked by whoever has it. */
export function mustNameSession(session: SessionKey | undefined): SessionKey {
  if (session?.session.length === sessionIdBytes) return session;
  throw invalid(`a session is named by its id of ${sessionIdBytes} bytes, and the capability that came with it`);
}

/** Throws where no group may have the name. */
export function mustNameGroup(group: GroupName | undefined): GroupName {
  if (!group) throw invalid("a group must be named");
  mustBeName("a group's name", group.name);
  if (group.type !== "") mustBeName("a group's type", group.type);
  return group;
}

/** Throws where no client could be told so. */
export function mustBePush({ route, body, delivery }: PushRequest, rules: PushRules): void {
  if (!rules.knowsPush(route)) throw invalid(`no schema of the cluster has the push "${route.slice(0, maxNameCharacters)}"`);
  if (!deliveries.has(delivery)) throw invalid("a push is delivered as replay, latest or droppable");
  if (body.length > rules.maxPushBytes)
    throw new NanoError({ code: "resource_exhausted", message: `a push has at most ${rules.maxPushBytes} bytes` });
}

/** Throws where a list of users is too long, or one is none. */
export function mustBeUsers(users: readonly string[]): void {
  mustBeFew("users", users, maxUsers);
  for (const user of users) mustBeName("a user's name", user);
}

/** Throws where a list of roles is too long, or one is none. */
export function mustBeRoles(roles: readonly string[]): void {
  mustBeFew("roles", roles, maxRoles);
  for (const role of roles) mustBeName("a role", role);
}

/** Throws where what is left out of a group are no sessions. */
export function mustBeExcept(sessions: readonly Uint8Array[]): void {
  mustBeFew("sessions that do not get it", sessions, maxExcept);
  for (const session of sessions) mustBeSessionOrNone(session);
}

/** Throws where something is neither absent nor the id of a session. */
export function mustBeSessionOrNone(session: Uint8Array): void {
  if (session.length !== 0 && session.length !== sessionIdBytes) throw invalid(`a session's id has ${sessionIdBytes} bytes`);
}

/** Throws where a patch does not say of which message; its fields are checked where it is applied. */
export function mustBePatch(patch: FieldPatch): void {
  mustBeName("the type of a session's data", patch.type);
  mustBeFew("fields that are cleared", patch.cleared, maxCleared);
}

/** Throws where a kick says more than a client is told. */
export function mustBeKick({ code, reason }: { readonly code: string; readonly reason: string }): void {
  if (code !== "") mustBeName("a kick's code", code);
  if (reason.length > maxReasonCharacters) throw invalid(`a kick's reason has at most ${maxReasonCharacters} characters`);
}

function mustBeName(what: string, name: string): void {
  if (name.length > 0 && name.length <= maxNameCharacters && name.isWellFormed()) return;
  throw invalid(`${what} has 1 to ${maxNameCharacters} characters: this one has ${name.length}`);
}

function mustBeFew(what: string, list: readonly unknown[], most: number): void {
  if (list.length > most) throw invalid(`at most ${most} ${what}: these are ${list.length}`);
}

function invalid(message: string): NanoError {
  return new NanoError({ code: "invalid_argument", message });
}
