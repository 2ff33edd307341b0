import { createHmac, timingSafeEqual } from "node:crypto";
import type { Peer } from "./link.ts";

/** Shows that the prover knows a token, to whoever made the challenge, and to nobody else. */
export function prove(token: string, challenge: Uint8Array, prover: Pick<Peer, "id" | "incarnation">): Uint8Array {
  return createHmac("sha256", token).update(challenge).update(`\n${prover.id}\n${prover.incarnation}`).digest();
}

/** Whether a proof was made with one of the tokens. */
export function proves(tokens: readonly string[], challenge: Uint8Array, prover: Peer, mac: Uint8Array): boolean {
  let right = false;
  for (const token of tokens) {
    const expected = prove(token, challenge, prover);
    // All are compared, whichever fits.
    right = (mac.length === expected.length && timingSafeEqual(mac, expected)) || right;
  }
  return right;
}
