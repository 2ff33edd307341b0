import { NanoError } from "../error/index.ts";
import type { Link, Outcome } from "./link.ts";

/**
 * Sends a frame that is answered, and gives the answer as a promise. Rejects with a NanoError: what the peer answered,
 * `deadline_exceeded`, `unavailable` when the link breaks, or what sending threw.
 *
 * @param deadlineMs On the clock of the link.
 */
export function ask(link: Link, deadlineMs: number, send: (call: bigint) => void): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const call = link.expect(deadlineMs, (outcome) => {
      if (outcome instanceof NanoError) reject(outcome);
      else resolve(outcome);
    });
    try {
      send(call);
    } catch (reason) {
      link.forget(call, NanoError.from(reason));
    }
  });
}
