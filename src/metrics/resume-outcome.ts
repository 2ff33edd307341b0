const resetReasons = ["expired", "full", "gap", "history", "too_slow", "frontend", "unknown"] as const;

/**
 * Why a client that came back got a new session: it came too late (`expired`); its session gave way where there were too many, or too much waited
 * (`full`), or read too slowly (`too_slow`); pushes were lost between servers (`gap`); not all that it had not got was kept (`history`); another
 * frontend had it (`frontend`); nothing is known of its session (`unknown`).
 */
export type ResetReason = (typeof resetReasons)[number];

/** What came of clients that came back with a ticket: `resumed`, `refused` (by `authenticate`, a kick meanwhile, or a server that drains), or why not. */
export type ResumeOutcome = "resumed" | "refused" | ResetReason;

/** How many by each outcome. */
export type ResumeCounts = Record<ResumeOutcome, number>;

/** All at zero. */
export function createResumeCounts(): ResumeCounts {
  const names: readonly ResumeOutcome[] = ["resumed", "refused", ...resetReasons];
  // Every name is there once.
  return Object.fromEntries(names.map((name) => [name, 0])) as ResumeCounts;
}
