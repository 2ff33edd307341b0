import type { JsonValue } from "@bufbuild/protobuf";
import { systemRandom, toHex } from "../../clock/index.ts";
import type { SpecFields, SpecValue } from "./spec.ts";

/** What a user of a spec knows. */
export interface Known {
  readonly store: ReadonlyMap<string, JsonValue>;
  /** Undefined where nothing was answered. */
  readonly response: JsonValue | undefined;
}

/** What fields say, as JSON. Throws an Error where they name what nobody knows, or say what their type is not. */
export function fieldsOf(fields: SpecFields | null | undefined, known: Known): { [name: string]: JsonValue } {
  return Object.fromEntries(Object.entries(fields ?? {}).map(([name, value]) => [name, jsonOf(value, known)]));
}

/** The same of one value. */
export function jsonOf({ type, value }: SpecValue, known: Known): JsonValue {
  if (value === "<nil>" || type === "null") return null;
  if (type === "object" && typeof value === "object" && !Array.isArray(value)) return fieldsOf(value as SpecFields | null, known);
  if (type === "array" && Array.isArray(value))
    return (value as unknown as readonly SpecValue[]).map((one) => jsonOf(one, known));
  return cast(typeof value === "string" ? named(value, known) : (value as JsonValue), type);
}

/** What a path leads to, as `$response.players[0]["name"]`; undefined where there is nothing. */
export function follow(path: string, root: JsonValue | undefined): JsonValue | undefined {
  let value: JsonValue | undefined = root;
  for (const [, name, index, quoted] of path.matchAll(/\.?([^.[\]]+)|\[(\d+)\]|\["([^"]*)"\]/g)) {
    const step = quoted ?? index ?? name ?? "";
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as { readonly [step: string]: JsonValue })[step];
  }
  return value;
}

/** Version 4: random but for what says so. */
function uuid(): string {
  const bytes = systemRandom.bytes(16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return toHex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function named(text: string, { store, response }: Known): JsonValue {
  if (text === "$util.uuid") return uuid();
  const [, root, rest = ""] = /^\$(response|store)\b(.*)$/s.exec(text) ?? [];
  if (root === undefined) return text;
  const found = root === "response" ? follow(rest, response) : follow(rest, Object.fromEntries(store));
  if (found === undefined) throw new Error(`there is no ${text}`);
  return found;
}

/** A value as its type: what the original does, where a number is cut to an int. */
export function cast(value: JsonValue, type: string): JsonValue {
  switch (type) {
    case "int":
      if (typeof value === "number") return Math.trunc(value);
      break;
    case "float":
    case "double":
    case "number":
      if (typeof value === "number") return value;
      break;
    case "bool":
      if (typeof value === "boolean") return value;
      break;
    case "string":
      if (typeof value === "string") return value;
      break;
    case "object":
      if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
      break;
    case "array":
      if (Array.isArray(value)) return value;
      break;
  }
  throw new Error(`${JSON.stringify(value)} is no ${type}`);
}
