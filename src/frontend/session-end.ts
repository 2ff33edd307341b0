import { type CloseReason, type Kick, NanoError } from "../error/index.ts";
import type { ResetReason } from "../metrics/index.ts";
import type { ClientSession } from "./client-session.ts";
import { Cuts } from "./cuts.ts";
import type { Farewell } from "./farewells.ts";
import { LastWords } from "./last-words.ts";
import type { SessionHost } from "./session-host.ts";

/** What of a session is broken off at its end. */
export interface Breakable {
  stop(reason: NanoError): void;
}

/** How one session ends, once: whom it tells, and what its client hears that comes back later. */
export class SessionEnd {
  readonly #session: ClientSession;
  readonly #host: SessionHost;
  // What its client hears that comes back after the end, where that is not the reason.
  #farewell: Farewell | undefined;
  #finished: Promise<void> | undefined;
  #lastWords: LastWords | undefined;
  #leaving: { readonly reason: CloseReason; readonly deaf: boolean } | undefined;
  #lostPushes = false;
  // Made when it is needed: most clients read fast enough.
  #cuts: Cuts | undefined;

  constructor(session: ClientSession, host: SessionHost) {
    this.#session = session;
    this.#host = host;
  }

  /** Whether it has begun. */
  get begun(): boolean {
    return this.#finished !== undefined;
  }

  /** What its client has yet to hear, where the session has ended. */
  get lastWords(): LastWords | undefined {
    return this.#lastWords;
  }

  /** Whether messages are still taken. */
  get hears(): boolean {
    return !this.#session.isOver && !this.#leaving?.deaf;
  }

  /** The client is cut off, and may come back for what waits; the third time within a minute it may not. */
  tooSlow(): void {
    const kick: Kick = { code: "too_slow", reason: "the client reads too slowly" };
    const { outbox, resumption, log } = this.#session;
    this.#cuts ??= new Cuts();
    if (outbox.connection && resumption?.possible && this.#cuts.bearable(this.#host.now())) {
      this.#host.counters.tooSlow++;
      return outbox.connection.cut(kick);
    }
    // It takes nothing of what waits: only the reason is left for it.
    log.clear();
    this.#farewell = { reset: "too_slow" };
    void this.now({ kind: "kicked", code: kick.code, message: kick.reason });
  }

  /** It waits no longer for its client, which comes back to a new session. */
  giveUp(why: ResetReason): void {
    this.#farewell = { reset: why };
    void this.now({ kind: "lost", message: lost[why] ?? "the client did not come back" });
  }

  /** Pushes were lost on their way here. Nobody can bring them: the client must not go on as if it had heard them. */
  missedPushes(): void {
    if (this.#lostPushes || this.#session.isOver) return;
    this.#lostPushes = true;
    this.#host.counters.gaps++;
    // Without its socket the client comes back with a new session, and knows it for one: `reset`.
    this.#farewell = { reset: "gap" };
    void this.now({ kind: "lost", message: "pushes to the session were lost between two servers" });
  }

  /** Comes together with the last answer that the session owes. @param deaf Whether it takes no more messages until then. */
  whenAnswered(reason: CloseReason, deaf: boolean): void {
    this.#leaving = { reason, deaf };
    this.#session.outbox.leaving = true;
    this.ifAnswered();
  }

  /** Comes, where it was to come with the last answer, and that was given. */
  ifAnswered(): void {
    if (this.#leaving && this.#session.pending === 0) void this.now(this.#leaving.reason);
  }

  /** It is another frontend's session now: nobody but the listeners here is told. */
  elsewhere(): void {
    if (this.#finished) return;
    const { core, log } = this.#session;
    const reason: CloseReason = { kind: "draining", code: "moved", message: "the session is at another frontend" };
    this.#finished = Promise.resolve();
    this.#leave();
    this.#host.peers.movedAway(this.#session, reason);
    this.#finished = core.end(reason);
    log.clear();
    this.#host.ended(this.#session, reason);
  }

  /** Tells the client where there is one, every server that saw the session, and the callbacks. Resolves when all have finished. */
  now(reason: CloseReason): Promise<void> {
    if (this.#finished) return this.#finished;
    const session = this.#session;
    const { core, log } = session;
    const finished = Promise.withResolvers<void>();
    this.#finished = finished.promise;
    const kick = { code: reason.code ?? "unavailable", reason: reason.message };
    const { connection } = session.outbox;
    // Until a client has acknowledged where it goes on, nothing that waits can be sent: it hears the kick behind it.
    const waits = connection?.state === "answered" && log.bytes > 0 && session.resumption !== undefined;
    if (reason.kind === "lost") connection?.destroy(reason);
    else if (reason.kind === "left") connection?.hangUp(reason);
    else if (!waits) connection?.kick(kick, reason);
    session.breakOff(new NanoError({ code: "canceled", message: "the session has ended" }));
    this.#leave();
    const heard = core.end(reason);
    const told = this.#host.peers.ended(session, reason);
    this.#takeLeave(reason, kick);
    if (!this.#lastWords) log.clear();
    else if (connection && waits) this.#lastWords.expect(connection);
    this.#host.ended(session, reason);
    void Promise.all([heard, told]).then(() => finished.resolve());
    return this.#finished;
  }

  /** It is nobody's, and in no group. */
  #leave(): void {
    const { core } = this.#session;
    this.#host.paused.remove(this.#session);
    if (core.user !== undefined) this.#host.users.release(core.user, this.#session);
    this.#host.membership.leaveAll(core);
  }

  /** Keeps why it has ended, and what its client has not got, for a client that comes back. */
  #takeLeave(reason: CloseReason, kick: Kick): void {
    const { id, log, resumption } = this.#session;
    if (!resumption?.possible || reason.kind === "left") return;
    let farewell = this.#farewell;
    if (!farewell && reason.kind === "lost") farewell = { reset: "unknown" };
    if (!farewell && log.bytes > 0) {
      const { counters } = this.#host;
      farewell = this.#lastWords = new LastWords({ id, log, resumption, reason, kick, counters });
    }
    this.#host.farewells.add(id, resumption, farewell ?? { kick });
  }
}

const lost: { readonly [why in ResetReason]?: string } = {
  full: "too much waits for clients without a connection",
  too_slow: "more waits for the client than may",
  history: "the client has missed what is not kept any more",
};
