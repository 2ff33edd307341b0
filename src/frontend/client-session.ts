import { type CloseReason, type Kick, NanoError } from "../error/index.ts";
import type { GroupKey } from "../group/index.ts";
import type { ResetReason } from "../metrics/index.ts";
import type { ServerKey } from "../router/index.ts";
import {
  type ClientInfo,
  type DataPatch,
  type FormerSession,
  type LogEntry,
  type OutgoingPush,
  SessionCore,
  SessionData,
  type SessionHome,
  SessionLog,
} from "../session/index.ts";
import { type Arrival, Arriving } from "./arrival.ts";
import type { ClientForm } from "./client-form.ts";
import type { ClientMessage } from "./client-message.ts";
import type { Connection } from "./connection.ts";
import type { ConnectedSession, NanoPart } from "./connection-host.ts";
import { Cuts } from "./cuts.ts";
import { Dispatcher } from "./dispatcher.ts";
import type { Farewell } from "./farewells.ts";
import { Intake } from "./intake.ts";
import { LastWords } from "./last-words.ts";
import { Outbox, type OutboxOwner } from "./outbox.ts";
import type { Pace } from "./rate.ts";
import { Resumption } from "./resumption.ts";
import type { SessionHost } from "./session-host.ts";
import { SessionPace } from "./session-pace.ts";
import { SessionUser } from "./session-user.ts";

/** One client on the frontend that holds it: the truth about its session. */
export class ClientSession implements SessionHome, ConnectedSession, OutboxOwner {
  readonly core: SessionCore;
  readonly log: SessionLog;
  readonly resumption: Resumption | undefined;
  /** What it says to its client. */
  readonly outbox: Outbox;
  readonly openedAtMs: number;
  /** Grows with every patch and bind. */
  version = 0n;
  /** Whether a push was lost on its way here: the session is over then, and its client's next one is a `reset`. */
  gap = false;

  readonly #host: SessionHost;
  // Whether its handshake was ever done.
  #begun = false;
  readonly #cuts = new Cuts();
  readonly #dispatcher: Dispatcher;
  readonly #intake: Intake;
  readonly #user: SessionUser;
  readonly #data: SessionData;
  readonly #pace: SessionPace;
  // What its client hears that comes back after the end, where that is not the reason.
  #farewell: Farewell | undefined;
  #finished: Promise<void> | undefined;
  #lastWords: LastWords | undefined;
  #leaving: { readonly reason: CloseReason; readonly deaf: boolean } | undefined;

  constructor(id: string, connection: Connection, client: ClientInfo, host: SessionHost) {
    this.#host = host;
    this.openedAtMs = host.now();
    const windowMs = host.limits.resumeMs;
    const keeps = connection.nano && windowMs > 0;
    this.log = new SessionLog(host.logLimits, { keeps, budget: host.budget });
    const of = { incarnation: host.incarnation, session: id };
    this.resumption = keeps ? new Resumption({ of, random: host.random, log: this.log, windowMs }) : undefined;
    this.#pace = new SessionPace(host, this.openedAtMs);
    this.#data = new SessionData();
    this.core = new SessionCore({
      id,
      frontend: host.id,
      incarnation: host.incarnation,
      client,
      user: undefined,
      roles: [],
      data: new SessionData(),
      home: this,
      failed: (reason) => host.listenerFailed(reason),
    });
    this.outbox = this.core.outlet = new Outbox(this, connection, host, keeps);
    this.#user = new SessionUser(this, host);
    this.#dispatcher = new Dispatcher(this, host);
    this.#intake = new Intake(this, host, this.#dispatcher);
  }

  get id(): string {
    return this.core.id;
  }

  get isOver(): boolean {
    return this.core.ended !== undefined;
  }

  /** Every message of the session's data. */
  get data(): Record<string, Uint8Array> {
    return this.#data.all();
  }

  /** Messages without an answer. */
  get pending(): number {
    return this.#intake.pending + this.#dispatcher.pending;
  }

  /** What a nano client is told of a new session. @param reset Why it is a new one, where the client came back to another. */
  offer(reset?: ResetReason): NanoPart {
    const none = { session: this.id, ticket: "", windowMs: 0, epoch: 0, received: 0, resumed: false };
    return { ...(this.resumption?.begin() ?? none), reset };
  }

  /** The client is back on another connection, and has read so much. Undefined where not all that it has not got is there: then the session is over. */
  resume(connection: Connection, secret: string, received: number): NanoPart | undefined {
    const offer = this.resumption?.resume(secret, received);
    if (!offer) {
      this.giveUp("history");
      return undefined;
    }
    const before = this.outbox.connection;
    this.outbox.connection = connection;
    this.#host.paused.remove(this);
    this.#pause();
    if (before !== connection) before?.destroy({ kind: "lost", message: "the client has come back on another connection" });
    return offer;
  }

  opened(connection: Connection): void {
    if (this.#lastWords) return this.#lastWords.opened(connection);
    if (connection !== this.outbox.connection) return;
    const replayed = this.resumption?.confirm();
    if (replayed !== undefined) {
      this.#host.counters.replayed += replayed;
      this.#host.counters.resumes.resumed++;
    }
    if (this.core.paused) this.#setPaused(false);
    if (this.#begun) return;
    this.#begun = true;
    this.#host.opened(this);
  }

  receive(message: ClientMessage, form: ClientForm): void {
    // What is not taken is lost as what is still under way is: its client hears no answer, but of the end.
    if (!this.core.ended && !this.#leaving?.deaf) this.#intake.receive(message, form);
  }

  pace(nowMs: number, messages: number, bytes: number): Pace {
    return this.#pace.judge(nowMs, messages, bytes);
  }

  tooFast(message: Pick<ClientMessage, "kind" | "id" | "route">): void {
    this.outbox.refuse(message, this.#pace.tooOften(), "limit");
  }

  /** It went on with a method long after that was refused: nobody who does so means well. */
  abused(route: string): void {
    this.#host.counters.violations++;
    void this.end({ kind: "protocol", code: "resource_exhausted", message: `${route} is called far more often than it may be` });
  }

  /** The client is cut off, and may come back for what waits; the third time within a minute it may not. */
  tooSlow(): void {
    const kick: Kick = { code: "too_slow", reason: "the client reads too slowly" };
    const connection = this.outbox.connection;
    if (connection && this.resumption?.possible && this.#cuts.bearable(this.#host.now())) {
      this.#host.counters.tooSlow++;
      return connection.cut(kick);
    }
    // It takes nothing of what waits: only the reason is left for it.
    this.log.clear();
    this.#farewell = { reset: "too_slow" };
    void this.end({ kind: "kicked", code: kick.code, message: kick.reason });
  }

  disconnected(connection: Connection, reason: CloseReason): void {
    if (connection !== this.outbox.connection || this.#finished) return;
    if (reason.kind !== "lost" || !this.resumption?.possible) return void this.end(reason);
    this.outbox.connection = undefined;
    this.#host.counters.paused++;
    this.#pause();
    this.#host.paused.add(this);
  }

  /** It waits no longer for its client, which comes back to a new session. */
  giveUp(why: ResetReason): void {
    this.#farewell = { reset: why };
    void this.end({ kind: "lost", message: lost[why] ?? "the client did not come back" });
  }

  /** Pushes to the session were lost on their way here. Nobody can bring them: the client must not go on as if it had heard them. */
  missedPushes(): void {
    if (this.gap || this.core.ended) return;
    this.gap = true;
    this.#host.counters.gaps++;
    // Without its socket the client comes back with a new session, and knows it for one: `reset`.
    this.#farewell = { reset: "gap" };
    void this.end({ kind: "lost", message: "pushes to the session were lost between two servers" });
  }

  /** A server is there no more. */
  peerLost(incarnation: bigint): void {
    this.#dispatcher.peerLost(incarnation);
  }

  /** The servers that it is stuck to, by types. */
  get stuckTo(): ReadonlyMap<string, ServerKey> {
    return this.#dispatcher.stuckTo;
  }

  /** Its client is let go, and comes back by another frontend, which takes it over from here. */
  letGo(): void {
    this.outbox.connection?.destroy({ kind: "lost", message: "the server stops" });
  }

  /** It is about to come from another frontend: what is pushed to it meanwhile waits. */
  arrive(): void {
    this.outbox.arriving = new Arriving(this.#host.logLimits.messages);
    this.core.setPaused(true);
  }

  /** It has come. */
  arrived({ state, log, ticket, received, stuck }: Arrival): void {
    for (const [type, fields] of Object.entries(state.data)) this.#data.apply({ type, fields, cleared: [] });
    this.core.reset(undefined, [], this.#data.copy());
    this.version = state.version + 1n;
    this.resumption?.adopt({ secret: ticket.secret, epoch: state.epoch, received: Number(state.counted) });
    this.#dispatcher.stick(stuck);
    this.log.begin(received, log);
    this.log.pause();
    const came = this.outbox.arriving?.unheard(state.heard) ?? [];
    this.outbox.arriving = undefined;
    for (const push of came) this.push(push);
  }

  /** Something that came elsewhere, behind what was known. */
  add(entry: LogEntry): void {
    this.outbox.add(entry);
  }

  /** It is another frontend's now: nobody but the listeners here is told. */
  movedAway(): void {
    if (this.#finished) return;
    const { core } = this;
    const reason: CloseReason = { kind: "draining", code: "moved", message: "the session is at another frontend" };
    this.#finished = Promise.resolve();
    this.#host.paused.remove(this);
    if (core.user !== undefined) this.#host.users.release(core.user, this);
    this.#host.membership.leaveAll(core);
    this.#host.peers.movedAway(this, reason);
    this.#finished = core.end(reason);
    this.log.clear();
    this.#host.ended(this, reason);
  }

  push(push: OutgoingPush): void {
    this.outbox.push(push);
  }

  async deliver(push: OutgoingPush): Promise<boolean> {
    if (this.core.ended) return false;
    this.push(push);
    return !this.core.ended;
  }

  async bind(user: string, roles: readonly string[]): Promise<FormerSession> {
    this.#mustLive();
    return this.#user.bind(user, roles);
  }

  async write(patch: DataPatch, expected: DataPatch | undefined): Promise<boolean> {
    this.#mustLive();
    if (expected && !this.#data.matches(expected)) return false;
    const next = this.#data.copy();
    next.apply(patch);
    const { sessionDataBytes } = this.#host.limits;
    if (next.length > sessionDataBytes) {
      this.#host.counters.limits.sessionDataBytes++;
      throw new NanoError({ code: "resource_exhausted", message: `a session's data has at most ${sessionDataBytes} bytes` });
    }
    this.#data.apply(patch);
    this.version++;
    this.core.applied(patch);
    this.#host.peers.patched(this, patch);
    return true;
  }

  async changeGroup(group: GroupKey, change: "add" | "everywhere" | "remove"): Promise<readonly string[]> {
    this.#mustLive();
    if (change === "remove") this.#host.membership.remove(group, this.core);
    else this.#host.membership.add(group, this.core);
    return change === "everywhere" ? this.#host.heardOf(group) : [];
  }

  kick(kick: Kick): void {
    void this.end({ kind: "kicked", code: kick.code, message: kick.reason });
  }

  /** Ends the session together with the last answer that it owes. @param deaf Whether it takes no more messages until then. */
  endWhenAnswered(reason: CloseReason, deaf: boolean): void {
    if (this.resumption?.possible && this.#host.canMove()) return this.letGo();
    this.#leaving = { reason, deaf };
    this.outbox.leaving = true;
    this.leaveIfAnswered();
  }

  /** Ends the session, once: tells the client where there is one, every server that saw it, and the callbacks. Resolves when all have finished. */
  end(reason: CloseReason): Promise<void> {
    if (this.#finished) return this.#finished;
    const { core } = this;
    const finished = Promise.withResolvers<void>();
    this.#finished = finished.promise;
    const kick = { code: reason.code ?? "unavailable", reason: reason.message };
    this.#host.paused.remove(this);
    const connection = this.outbox.connection;
    // Until a client has acknowledged where it goes on, nothing that waits can be sent: it hears the kick behind it.
    const waits = connection?.state === "answered" && this.log.bytes > 0 && this.resumption !== undefined;
    if (reason.kind === "lost") connection?.destroy(reason);
    else if (reason.kind === "left") connection?.hangUp(reason);
    else if (!waits) connection?.kick(kick, reason);
    const ended = new NanoError({ code: "canceled", message: "the session has ended" });
    this.#dispatcher.stop(ended);
    this.#intake.stop(ended);
    if (core.user !== undefined) this.#host.users.release(core.user, this);
    this.#host.membership.leaveAll(core);
    const heard = core.end(reason);
    const told = this.#host.peers.ended(this, reason);
    this.#takeLeave(reason, kick);
    if (!this.#lastWords) this.log.clear();
    else if (connection && waits) this.#lastWords.expect(connection);
    this.#host.ended(this, reason);
    void Promise.all([heard, told]).then(() => finished.resolve());
    return this.#finished;
  }

  /** Keeps why it has ended, and what its client has not got, for a client that comes back. */
  #takeLeave(reason: CloseReason, kick: Kick): void {
    const { id, log, resumption } = this;
    if (!resumption?.possible || reason.kind === "left") return;
    let farewell = this.#farewell;
    if (!farewell && reason.kind === "lost") farewell = { reset: "unknown" };
    if (!farewell && log.bytes > 0) {
      const { counters } = this.#host;
      farewell = this.#lastWords = new LastWords({ id, log, resumption, reason, kick, counters });
    }
    this.#host.farewells.add(id, resumption, farewell ?? { kick });
  }

  /** Ends, where it was to end with the last answer, and that was given. */
  leaveIfAnswered(): void {
    if (this.#leaving && this.pending === 0) void this.end(this.#leaving.reason);
  }

  #pause(): void {
    this.log.pause();
    this.#setPaused(true);
  }

  #setPaused(paused: boolean): void {
    this.core.setPaused(paused);
    this.version++;
    this.#host.peers.pausedChanged(this);
  }

  #mustLive(): void {
    if (this.core.ended) throw new NanoError({ code: "not_found", message: "the session has ended" });
  }
}

const lost: { readonly [why in ResetReason]?: string } = {
  full: "too much waits for clients without a connection",
  too_slow: "more waits for the client than may",
  history: "the client has missed what is not kept any more",
};
