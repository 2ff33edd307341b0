import { type Clock, within } from "../clock/index.ts";
import type { CloseReason } from "../error/index.ts";
import type { FormerSession } from "../session/index.ts";

/** What the table holds: a session of this frontend. */
export interface UserSession {
  /** Ends the session. Resolves when its close callbacks, on every server that saw it, have finished. */
  end(reason: CloseReason): Promise<void>;
}

/** Which session of this frontend is which user's: at most one each. */
export interface UserTable<S extends UserSession> {
  get(user: string): S | undefined;
  readonly size: number;
  /** Gives the user to a session. The one before is ended, and waited for, up to 5 s. */
  bind(user: string, session: S): Promise<FormerSession>;
  /** Takes the user from the session, if it has it. */
  release(user: string, session: S): void;
}

const formerTimeoutMs = 5_000;

/** An empty table. */
export function createUserTable<S extends UserSession>(clock: Clock): UserTable<S> {
  const sessions = new Map<string, S>();
  return {
    get: (user) => sessions.get(user),
    get size() {
      return sessions.size;
    },
    async bind(user, session) {
      const former = sessions.get(user);
      // Set before anything is awaited: of two that bind at once, the later ends the earlier.
      sessions.set(user, session);
      if (!former || former === session) return "none";
      const ended = former.end({ kind: "replaced", code: "replaced", message: "the user has come with another session" });
      return within<FormerSession, FormerSession>(
        clock,
        formerTimeoutMs,
        ended.then(() => "ended"),
        () => "timed_out",
      );
    },
    release(user, session) {
      if (sessions.get(user) === session) sessions.delete(user);
    },
  };
}
