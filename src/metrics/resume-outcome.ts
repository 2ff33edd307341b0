const resetReasons = ["expired", "full", "gap", "history", "too_slow", "frontend", "unknown"] as const;

/**
 * Why a client that came back got a new session: it came too late (`expired`); its session gave way where there were too many, or too much waited
 * (`full`), or read too slowly (`too_slow`); pushes were lost between servers (`gap`); not all that it had not got was kept (`history`); another
 * frontend had it, and is gone, drains or does not answer (`frontend`); nothing is known of its session (`unknown`).
 */
export type ResetReason = (typeof resetReasons)[number];

/** Whether a text is one of them. */
export function isResetReason(text: string): text is ResetReason {
  return resetReasons.some((reason) => reason === text);
}

/**
 * What came of clients that came back with a ticket: `resumed`; `relayed`, to the frontend that has the session and counts them as well; `claimed`, from a frontend that
 * drains, and counted as `resumed` as well; `refused` (by
 * `authenticate`, a kick meanwhile, or a server that drains); or why not.
 */
export type ResumeOutcome = "resumed" | "relayed" | "claimed" | "refused" | ResetReason;

/** How many by each outcome. */
export type ResumeCounts = Record<ResumeOutcome, number>;

/** All at zero. */
export function createResumeCounts(): ResumeCounts {
  const names: readonly ResumeOutcome[] = ["resumed", "relayed", "claimed", "refused", ...resetReasons];
  // Every name is there once.
  return Object.fromEntries(names.map((name) => [name, 0])) as ResumeCounts;
}
