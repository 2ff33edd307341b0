import { readFileSync } from "node:fs";

/** One case of the family's client protocol. */
export interface Vector {
  readonly id: string;
  readonly what: string;
  /** Of valid ones: a whole packet, several, or the body of a Data packet. */
  readonly scope?: "packet" | "packets" | "message";
  readonly hex: string;
}

/** The byte vectors: what must be read, and what must be refused. */
export const vectors: { readonly valid: readonly Vector[]; readonly invalid: readonly Vector[] } = JSON.parse(
  readFileSync(new URL("client-protocol.json", import.meta.url), "utf8"),
);

/** A vector's bytes. */
export function bytesOf({ hex }: Pick<Vector, "hex">): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, "hex"));
}

/** A vector by its id. Throws where there is none. */
export function vector(id: string): Vector {
  const found = [...vectors.valid, ...vectors.invalid].find((one) => one.id === id);
  if (!found) throw new Error(`no vector ${id}`);
  return found;
}
