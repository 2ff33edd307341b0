import type { LimitCounts } from "../metrics/index.ts";
import type { LogBudget } from "../session/index.ts";
import type { ResolvedLimits } from "./limits.ts";

/** A session, as far as it can wait for its client. */
export interface PausedSession {
  readonly core: { readonly user: string | undefined };
  /** It has waited long enough, or takes too much room. */
  giveUp(why: "expired" | "full"): void;
}

/** Sessions whose clients have no connection, and may come back. */
export interface PausedSessions<S extends PausedSession> {
  readonly size: number;
  /** How many of them had a user when they lost it. */
  readonly known: number;
  /** One waits from now on. Where there are too many, another gives way: first those without a user, of these the oldest. */
  add(session: S): void;
  /** One waits no more. */
  remove(session: S): void;
  /** Ends those that have waited long enough. Called now and then. */
  look(nowMs: number): void;
  /** Ends the oldest until the logs of all sessions are within their bound. */
  makeRoom(): void;
}

/** None yet. */
export function createPausedSessions<S extends PausedSession>(options: {
  readonly limits: Pick<ResolvedLimits, "resumeMs" | "pausedSessions">;
  readonly hits: LimitCounts;
  readonly budget: LogBudget;
  readonly now: () => number;
}): PausedSessions<S> {
  const { limits, hits, budget, now } = options;
  // Each in the order in which they began to wait, with when that was.
  const strangers = new Map<S, number>();
  const known = new Map<S, number>();

  function oldest(): S | undefined {
    const [[stranger, strangerMs] = []] = strangers;
    const [[session, sinceMs] = []] = known;
    return (strangerMs ?? Number.POSITIVE_INFINITY) <= (sinceMs ?? Number.POSITIVE_INFINITY) ? stranger : session;
  }

  function remove(session: S): void {
    if (!strangers.delete(session)) known.delete(session);
  }

  function end(session: S, why: Parameters<PausedSession["giveUp"]>[0]): void {
    remove(session);
    session.giveUp(why);
  }

  return {
    get size() {
      return strangers.size + known.size;
    },
    get known() {
      return known.size;
    },
    add(session) {
      const waiting = session.core.user === undefined ? strangers : known;
      waiting.set(session, now());
      if (strangers.size + known.size <= limits.pausedSessions) return;
      hits.pausedSessions++;
      const [gives = oldest()] = strangers.keys();
      if (gives) end(gives, "full");
    },
    remove,
    look(nowMs) {
      for (const waiting of [strangers, known]) {
        for (const [session, sinceMs] of waiting) {
          if (nowMs - sinceMs < limits.resumeMs) break;
          end(session, "expired");
        }
      }
    },
    makeRoom() {
      if (!budget.over) return;
      hits.processQueueBytes++;
      for (let session = oldest(); session && budget.over; session = oldest()) end(session, "full");
    },
  };
}
