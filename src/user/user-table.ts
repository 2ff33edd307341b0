import { type Clock, within } from "../clock/index.ts";
import { type CloseReason, NanoError } from "../error/index.ts";
import { type FormerSession, mustBeUser } from "../session/index.ts";
import { type Binding, isLater } from "./binding.ts";
import type { Claims } from "./claims.ts";
import type { Rivals } from "./rivals.ts";

/** What the table holds: a session of this frontend. */
export interface UserSession {
  readonly id: string;
  readonly isOver: boolean;
  /** Ends the session. Resolves when its close callbacks, on every server that saw it, have finished. */
  end(reason: CloseReason): Promise<void>;
}

/** Which sessions of this frontend are which user's. */
export interface UserTable<S extends UserSession> {
  /** At most one, where users have one session. */
  of(user: string): Iterable<S>;
  has(user: string): boolean;
  /** How many sessions have a user. */
  readonly size: number;
  /**
   * Gives the user to a session: `bound` is called when it has it. The one before, wherever it is, is ended and waited for, up to 5 s.
   * Rejects with `invalid_argument` for a name that no user may have, `not_found` where the session ends meanwhile, and `unavailable`
   * where the cluster must know of it and cannot be told.
   */
  bind(user: string, session: S, bound: () => void): Promise<FormerSession>;
  /** Takes the user from the session, if it has it. */
  release(user: string, session: S): void;
  /** Another frontend has the user: one of these sessions is over, or whichever was bound before a time. Resolves when it has ended. */
  claimed(claim: Claimed): Promise<FormerSession>;
}

/** What another frontend says of a user that has come to it. */
export interface Claimed {
  readonly user: string;
  readonly session: string;
  readonly boundMs: number;
  /** The session that is over; undefined: any that was bound before. */
  readonly former: string | undefined;
}

/** What binds stand on. */
export interface UserTableOptions {
  readonly clock: Clock;
  /** This frontend. */
  readonly self: { readonly id: string; readonly incarnation: bigint };
  /** Undefined: a user may have any number of sessions. */
  readonly single:
    | {
        readonly claims: Claims;
        readonly rivals: Rivals;
        /** Whether a bind fails that the cluster cannot be told of. */
        readonly strict: boolean;
      }
    | undefined;
}

interface Bound<S> {
  readonly session: S;
  readonly binding: Binding;
}

const formerTimeoutMs = 5_000;
const replaced: CloseReason = { kind: "replaced", code: "replaced", message: "the user has come with another session" };

/** An empty table. */
export function createUserTable<S extends UserSession>({ clock, self, single }: UserTableOptions): UserTable<S> {
  const users = new Map<string, readonly Bound<S>[]>();
  // Those whose claim is under way: another may be answered before they are.
  const coming = new Map<string, Bound<S>>();
  let size = 0;
  let lastMs = 0;

  function set(user: string, sessions: readonly Bound<S>[]): void {
    size += sessions.length - (users.get(user)?.length ?? 0);
    if (sessions.length === 0) users.delete(user);
    else users.set(user, sessions);
  }

  async function claim(bound: Bound<S>): Promise<{ readonly former: Binding | undefined; readonly told: boolean }> {
    if (!single) return { former: undefined, told: true };
    const { binding, session } = bound;
    coming.set(session.id, bound);
    try {
      return { former: await single.claims.claim(binding), told: true };
    } catch (reason) {
      if (!single.strict) return { former: undefined, told: false };
      // It may have been written, though nobody has said so.
      single.claims.release(binding);
      throw new NanoError({ code: "unavailable", message: "the cluster cannot be told of the user", cause: reason });
    } finally {
      coming.delete(session.id);
    }
  }

  async function both(formers: readonly Promise<FormerSession>[]): Promise<FormerSession> {
    const all = Promise.all(formers).then((results) => {
      return results.find((one) => one === "timed_out") ?? results.find((one) => one === "ended") ?? "none";
    });
    return within<FormerSession, FormerSession>(clock, formerTimeoutMs, all, () => "timed_out");
  }

  return {
    *of(user) {
      for (const { session } of users.get(user) ?? []) yield session;
    },
    has: (user) => users.has(user),
    get size() {
      return size;
    },
    async bind(user, session, bound) {
      mustBeUser(user);
      lastMs = Math.max(lastMs + 1, clock.wallNow());
      const binding: Binding = {
        user,
        frontend: self.id,
        incarnation: self.incarnation,
        session: session.id,
        boundMs: lastMs,
      };
      const next = { session, binding };
      const { former, told } = await claim(next);
      if (session.isOver) {
        single?.claims.release(binding);
        throw new NanoError({ code: "not_found", message: "the session has ended" });
      }
      const before = users.get(user) ?? [];
      if (!single) {
        set(user, [...before, next]);
        bound();
        return "none";
      }
      set(user, [next]);
      single.claims.hold(binding);
      bound();
      const here = before.map((one) => one.session.end(replaced).then((): FormerSession => "ended"));
      // A session that moves has the user already, at another frontend.
      const isElsewhere = former !== undefined && former.incarnation !== self.incarnation && former.session !== session.id;
      const there = isElsewhere ? [single.rivals.end(former, binding)] : [];
      const anywhere = told ? [] : [single.rivals.announce(binding)];
      return both([...here, ...there, ...anywhere]);
    },
    release(user, session) {
      const before = users.get(user) ?? [];
      const own = before.find((one) => one.session === session);
      if (!own) return;
      set(
        user,
        before.filter((one) => one !== own),
      );
      single?.claims.release(own.binding);
    },
    async claimed({ user, session: by, boundMs, former }) {
      if (!single) return "none";
      const [here] = users.get(user) ?? [];
      const pending = former === undefined ? undefined : coming.get(former);
      const own = pending?.binding.user === user ? pending : here;
      if (!own || own.session.id === by) return "none";
      const isOver = former === undefined ? !isLater(own.binding, { boundMs, session: by }) : own.session.id === former;
      if (!isOver) return "none";
      return both([own.session.end(replaced).then((): FormerSession => "ended")]);
    },
  };
}
