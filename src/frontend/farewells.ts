import type { Kick } from "../error/index.ts";
import type { ResetReason } from "../metrics/index.ts";
import type { ResolvedLimits } from "./limits.ts";
import type { Resumption } from "./resumption.ts";

/** What a client hears that comes back to a session which has ended: it is kicked as if it had been there, or gets a new session. */
export type Farewell = { readonly kick: Kick } | { readonly reset: ResetReason };

/** What became of sessions whose clients may not have heard of the end. */
export interface Farewells {
  add(session: string, resumption: Resumption, farewell: Farewell): void;
  /** Undefined where nothing is known, or the secret is not the session's. */
  find(session: string, secret: string): Farewell | undefined;
  /** Forgets those whose client will not come any more. Called now and then. */
  look(nowMs: number): void;
}

/** None yet. */
export function createFarewells(limits: Pick<ResolvedLimits, "resumeMs" | "pausedSessions">, now: () => number): Farewells {
  const ended = new Map<string, { readonly resumption: Resumption; readonly farewell: Farewell; readonly atMs: number }>();

  function forget(which: (atMs: number) => boolean): void {
    for (const [session, { atMs }] of ended) {
      if (!which(atMs)) return;
      ended.delete(session);
    }
  }

  return {
    add(session, resumption, farewell) {
      ended.set(session, { resumption, farewell, atMs: now() });
      forget(() => ended.size > limits.pausedSessions);
    },
    find(session, secret) {
      const one = ended.get(session);
      return one?.resumption.has(secret) ? one.farewell : undefined;
    },
    look: (nowMs) => forget((atMs) => nowMs - atMs >= limits.resumeMs),
  };
}
