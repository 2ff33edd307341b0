import { createHmac, timingSafeEqual } from "node:crypto";
import type { Peer } from "./link.ts";

/** One end of a link, as a proof names it. */
export type End = Pick<Peer, "id" | "incarnation">;

/** Who shows a proof, and to whom. A proof is good for this way only: it cannot be sent back, nor passed on to a third. */
export interface ProofWay {
  /** Whether the prover opened the link. */
  readonly dialed: boolean;
  readonly prover: End;
  readonly verifier: End;
}

/** Shows that the prover knows a token, to whoever made the challenge, and to nobody else. */
export function prove(token: string, challenge: Uint8Array, { dialed, prover, verifier }: ProofWay): Uint8Array {
  const way = [dialed ? "dialed" : "accepted", prover.id, prover.incarnation, verifier.id, verifier.incarnation];
  return createHmac("sha256", token)
    .update(`${way.join("\n")}\n`)
    .update(challenge)
    .digest();
}

/** The token that a proof was made with, of those that are known; undefined where it was none of them. */
export function provenToken(
  tokens: readonly string[],
  challenge: Uint8Array,
  way: ProofWay,
  mac: Uint8Array,
): string | undefined {
  let found: string | undefined;
  for (const token of tokens) {
    const expected = prove(token, challenge, way);
    // All are compared, whichever fits.
    if (mac.length === expected.length && timingSafeEqual(mac, expected)) found ??= token;
  }
  return found;
}
