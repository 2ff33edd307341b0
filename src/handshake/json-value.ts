import { asciiOnly } from "../text/index.ts";

/** A handshake or kick that cannot be read. */
export class HandshakeError extends Error {
  override readonly name = "HandshakeError";
}

/** An object of unknown shape. */
export type JsonObject = { readonly [name: string]: unknown };

const text = new TextDecoder("utf-8", { fatal: true });

/** Writes JSON for whoever may garble what is beyond ASCII. */
export function writeAscii(value: unknown): Uint8Array {
  return new TextEncoder().encode(asciiOnly(JSON.stringify(value)));
}

/** Reads a JSON object in UTF-8. Throws HandshakeError on anything else. */
export function readObject(bytes: Uint8Array, what: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text.decode(bytes));
  } catch (reason) {
    throw new HandshakeError(`${what} is no JSON`, { cause: reason });
  }
  return asObject(value, what);
}

export function asObject(value: unknown, what: string): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new HandshakeError(`${what} is no object`);
  // Every object that is no array has names for its values.
  return value as JsonObject;
}

/** A text, or undefined where there is none (or null). Throws HandshakeError on anything else. */
export function optionalText(object: JsonObject, name: string): string | undefined {
  const value = own(object, name);
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string") throw new HandshakeError(`${name} is no text`);
  return value;
}

export function optionalNumber(object: JsonObject, name: string): number | undefined {
  const value = own(object, name);
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "number" || !Number.isFinite(value)) throw new HandshakeError(`${name} is no number`);
  return value;
}

/** A value that the JSON itself gave, never an inherited one. */
export function own(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}
