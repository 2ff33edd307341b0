import type { Random } from "../clock/index.ts";
import type { CloseReason } from "../error/index.ts";

/** How a client comes back after its connection broke. */
export interface ReconnectOptions {
  /** The first wait is anywhere up to this, and the bound doubles with each failure. The default is 2,000. */
  readonly minDelayMs?: number;
  /** No wait is longer. The default is 30,000. */
  readonly maxDelayMs?: number;
  /** After so many failures in a row the client is closed. The default is no limit. */
  readonly attempts?: number;
}

/** When to try again. */
export interface Backoff {
  /** The next wait in milliseconds, or undefined when it is enough. @param afterMs What the server asked for. */
  next(afterMs?: number): number | undefined;
  /** It went well: the next failure is a first one. */
  reset(): void;
}

// What a server asks for is honoured, but not without end.
const maxAfterMs = 600_000;

/** Full jitter (a wait is anywhere between nothing and the bound), so that those who fell together do not come back together. */
export function createBackoff(random: Random, options: ReconnectOptions = {}): Backoff {
  const { minDelayMs = 2_000, maxDelayMs = 30_000, attempts = Number.POSITIVE_INFINITY } = options;
  if (!(minDelayMs > 0)) throw new RangeError(`reconnect.minDelayMs must be above 0, not ${minDelayMs}`);
  if (!(maxDelayMs >= minDelayMs)) throw new RangeError(`reconnect.maxDelayMs must be at least minDelayMs, not ${maxDelayMs}`);
  if (!(attempts >= 1)) throw new RangeError(`reconnect.attempts must be at least 1, not ${attempts}`);
  let failures = 0;
  return {
    next(afterMs = 0) {
      if (failures >= attempts) return undefined;
      const bound = Math.min(maxDelayMs, minDelayMs * 2 ** failures++);
      return Math.min(maxAfterMs, Math.max(0, afterMs)) + random.next() * bound;
    },
    reset: () => {
      failures = 0;
    },
  };
}

/** Whether coming back makes sense: not where somebody has decided that this client goes. */
export function mayReturn({ kind, code }: CloseReason): boolean {
  return kind === "lost" || kind === "draining" || code === "busy" || code === "too_slow";
}
