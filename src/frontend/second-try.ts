import type { NanoError } from "../error/index.ts";
import type { Retries } from "../router/index.ts";
import type { Incoming } from "./incoming.ts";

/** A message that was not answered, and what is to be known of it. */
export interface Unanswered {
  readonly incoming: Incoming;
  readonly error: NanoError;
  /** Whether its server may have begun with it. */
  readonly begun: boolean;
  /** Whether the session is stuck to the server that failed. */
  readonly stuck: boolean;
  /** Whether a message that may change something was sent behind it, in its order. */
  readonly overtaken: boolean;
}

/** After how many milliseconds a message is sent once more; undefined where its failure stands. */
export function secondTryAfterMs({ incoming, error, begun, stuck, overtaken }: Unanswered, retries: Retries, nowMs: number) {
  const { message, known, attempt, deadlineMs } = incoming;
  const { idempotent, readOnly } = known.info;
  if (stuck) return undefined;
  // A second time it would come behind what was sent after it.
  const harmless = message.kind === "request" && idempotent && (readOnly || !overtaken);
  return retries.delayMs({ code: error.code, begun, idempotent: harmless, attempt, remainingMs: deadlineMs - nowMs });
}
