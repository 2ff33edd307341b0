import { readFileSync } from "node:fs";
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { CommandError } from "../command.ts";

/** What can be set of its `sys`. */
export const sysNames = [
  "platform",
  "clientVersion",
  "clientBuildNumber",
  "libVersion",
  "type",
  "version",
  "serializer",
] as const;
type SysName = (typeof sysNames)[number];

/** What can be set of a handshake, by the names that it has there. */
export const handshakeNames: readonly string[] = ["user", ...sysNames];

/** What the next handshake tells; what only nano's clients say is not part of it. */
export interface ToldHandshake {
  readonly sys: { readonly [name in SysName]?: string };
  /** Credentials, a token. */
  readonly user?: JsonObject;
}

/** What is told where nobody says anything else. */
export const ownHandshake: ToldHandshake = { sys: { platform: "nano-cli" } };

/** One with a field set; undefined: as it was before anybody set it. Throws a CommandError that names the field. */
export function withField(told: ToldHandshake, name: string, value: JsonValue | undefined): ToldHandshake {
  if (name === "user") return withUser(told, value);
  const known = sysNames.find((one) => one === name);
  if (name === "nano") throw new CommandError("handshake: sys.nano is what nano-cli says for itself, and cannot be set");
  if (!known) throw new CommandError(`handshake: there is no "${name}"; it has ${handshakeNames.join(", ")}`);
  const { [known]: _, ...others } = told.sys;
  if (value === undefined) return { ...told, sys: known in ownHandshake.sys ? { ...others, ...ownHandshake.sys } : others };
  if (typeof value !== "string") throw new CommandError(`handshake: sys.${name} is a text, not ${JSON.stringify(value)}`);
  if (name === "serializer" && !isEncoding(value))
    throw new CommandError(`handshake: sys.serializer is json or protobuf, which nano-cli speaks, not "${value}"`);
  return { ...told, sys: { ...others, [known]: value } };
}

/** The encoding that it names; undefined: none. */
export function encodingIn({ sys: { serializer } }: ToldHandshake): "json" | "protobuf" | undefined {
  return serializer !== undefined && isEncoding(serializer) ? serializer : undefined;
}

/** A whole one, as `{"sys": {"clientVersion": "2.1"}, "user": {"token": "t"}}` in a file. Throws a CommandError that names what is wrong. */
export function readHandshake(file: string): ToldHandshake {
  const whole = objectOf(contentOf(file), file);
  const strange = Object.keys(whole).find((name) => name !== "sys" && name !== "user");
  if (strange !== undefined) throw new CommandError(`handshake: ${file} has "${strange}" beside "sys" and "user"`);
  const { sys, user } = whole;
  let told = withUser(ownHandshake, user ?? undefined);
  for (const [name, value] of Object.entries(sys === undefined || sys === null ? {} : objectOf(sys, "sys"))) {
    if (name === "user") throw new CommandError('handshake: "user" stands beside "sys", not in it');
    told = withField(told, name, value);
  }
  return told;
}

function withUser({ sys }: ToldHandshake, user: JsonValue | undefined): ToldHandshake {
  return user === undefined ? { sys } : { sys, user: objectOf(user, "user") };
}

function contentOf(file: string): JsonValue {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as JsonValue;
  } catch (reason) {
    throw new CommandError(`handshake: ${file}: ${reason instanceof Error ? reason.message : reason}`);
  }
}

function objectOf(value: JsonValue, what: string): JsonObject {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new CommandError(`handshake: ${what} is an object, as {"token": "..."}, not ${JSON.stringify(value)}`);
}

function isEncoding(text: string): text is "json" | "protobuf" {
  return text === "json" || text === "protobuf";
}
