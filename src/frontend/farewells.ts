import type { Kick } from "../error/index.ts";
import type { ResetReason } from "../metrics/index.ts";
import type { LogBudget } from "../session/index.ts";
import type { LastWords } from "./last-words.ts";
import type { ResolvedLimits } from "./limits.ts";
import type { Resumption } from "./resumption.ts";

/**
 * What a client hears that comes back to a session which has ended: it is kicked as if it had been there, after what it had not got yet, or gets a new
 * session.
 */
export type Farewell = LastWords | { readonly kick: Kick } | { readonly reset: ResetReason };

/** What became of sessions whose clients may not have heard of the end. */
export interface Farewells {
  add(session: string, resumption: Resumption, farewell: Farewell): void;
  /** Undefined where nothing is known, or the secret is not the session's. */
  find(session: string, secret: string): Farewell | undefined;
  /** Forgets those whose client will not come any more. Called now and then. */
  look(nowMs: number): void;
  /** Forgets what was to be said before a kick, oldest first, until the logs of all sessions are within their bound. */
  makeRoom(): void;
}

/** None yet. */
export function createFarewells(
  limits: Pick<ResolvedLimits, "resumeMs" | "pausedSessions">,
  budget: Pick<LogBudget, "over">,
  now: () => number,
): Farewells {
  const ended = new Map<string, { readonly resumption: Resumption; readonly farewell: Farewell; readonly atMs: number }>();
  // Those that hold a log.
  const words = new Set<LastWords>();

  function hush(farewell: Farewell): void {
    if ("log" in farewell && words.delete(farewell)) farewell.forget();
  }

  function forget(which: (atMs: number) => boolean): void {
    for (const [session, { farewell, atMs }] of ended) {
      if (!which(atMs)) return;
      ended.delete(session);
      hush(farewell);
    }
  }

  return {
    add(session, resumption, farewell) {
      ended.set(session, { resumption, farewell, atMs: now() });
      if ("log" in farewell) words.add(farewell);
      forget(() => ended.size > limits.pausedSessions);
    },
    find(session, secret) {
      const one = ended.get(session);
      return one?.resumption.has(secret) ? one.farewell : undefined;
    },
    look: (nowMs) => forget((atMs) => nowMs - atMs >= limits.resumeMs),
    makeRoom() {
      for (const oldest of words) {
        if (!budget.over) return;
        hush(oldest);
      }
    },
  };
}
