import type { Kick } from "../error/index.ts";
import { optionalText, readObject, writeAscii } from "./json-value.ts";

/** Writes a kick's body: always JSON, since some clients parse it and break on an empty one (clients.md, rule 6). */
export function encodeKick(kick: Kick): Uint8Array {
  return writeAscii({ code: kick.code, reason: kick.reason });
}

/** Reads a kick's body. An empty one, as Pitaya sends it, and anything that cannot be read is a kick without a reason. */
export function parseKick(bytes: Uint8Array): Kick {
  try {
    const object = readObject(bytes, "the kick");
    return { code: optionalText(object, "code") ?? "unknown", reason: optionalText(object, "reason") ?? "" };
  } catch {
    return { code: "unknown", reason: "" };
  }
}
