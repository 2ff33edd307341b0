import type { Random } from "../clock/index.ts";
import type { Code } from "../error/index.ts";

/** A try of a call that came to nothing. */
export interface FailedTry {
  readonly code: Code;
  /** Whether the server may have begun: false only where it is certain that it has not. */
  readonly begun: boolean;
  /** Whether the schema says that a second time does no more than the first. */
  readonly idempotent: boolean;
  /** Counts from 0. */
  readonly attempt: number;
  /** How much time the call has left. */
  readonly remainingMs: number;
}

/** Decides which calls of this server are tried once more: one in ten, and ten more at once. */
export interface Retries {
  /** A call begins. */
  counted(): void;
  /** After how many milliseconds to try once more; undefined where the failure stands. */
  delayMs(failed: FailedTry): number | undefined;
}

// In tenths of a retry: what every call brings, what a retry costs, and what is there at first and at most.
const earned = 1;
const cost = 10;
const atFirst = 10 * cost;
const atMost = 100 * cost;
const leastDelayMs = 10;
const mostDelayMs = 100;

/** The retries of one server, of calls and forwards alike. */
export function createRetries(random: Random): Retries {
  let budget = atFirst;
  return {
    counted() {
      budget = Math.min(atMost, budget + earned);
    },
    delayMs({ code, begun, idempotent, attempt, remainingMs }) {
      if (code !== "unavailable" || attempt > 0 || (begun && !idempotent) || budget < cost) return undefined;
      // Not in step with all others that lost the same server.
      const delayMs = leastDelayMs + random.next() * (mostDelayMs - leastDelayMs);
      if (delayMs >= remainingMs) return undefined;
      budget -= cost;
      return delayMs;
    },
  };
}
