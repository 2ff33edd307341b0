import type { FrontendCounters } from "../metrics/index.ts";
import type { ClientSession } from "./client-session.ts";
import type { Releases } from "./releases.ts";

/** Counts the sessions by the clients that were shipped. */
export function createClientCounts(
  counts: FrontendCounters["clients"],
  releases: Releases,
): (session: ClientSession, by: 1 | -1) => void {
  return (session, by) => {
    const { fingerprint, release } = releases.find(session.core.client.fingerprint);
    const count = counts.get(fingerprint) ?? { fingerprint, release, sessions: 0 };
    count.sessions += by;
    counts.set(fingerprint, count);
  };
}
