import type { CloseReason, Kick, NanoError } from "../error/index.ts";
import type { ResetReason } from "../metrics/index.ts";
import type { ServerKey } from "../router/index.ts";
import { type ClientInfo, type LogEntry, type OutgoingPush, SessionCore, SessionData, SessionLog } from "../session/index.ts";
import { type Arrival, Arriving } from "./arrival.ts";
import type { ClientForm } from "./client-form.ts";
import { ClientHome } from "./client-home.ts";
import type { ClientMessage } from "./client-message.ts";
import type { Connection } from "./connection.ts";
import type { ConnectedSession, NanoPart } from "./connection-host.ts";
import { Dispatcher } from "./dispatcher.ts";
import { Intake } from "./intake.ts";
import { Outbox } from "./outbox.ts";
import type { Pace } from "./rate.ts";
import { Resumption } from "./resumption.ts";
import { SessionEnd } from "./session-end.ts";
import type { SessionHost } from "./session-host.ts";
import { SessionPace } from "./session-pace.ts";

/** One client on the frontend that holds it: the truth about its session. */
export class ClientSession implements ConnectedSession {
  readonly core: SessionCore;
  readonly log: SessionLog;
  readonly resumption: Resumption | undefined;
  /** What servers do to it. */
  readonly home: ClientHome;
  /** What it says to its client. */
  readonly outbox: Outbox;
  readonly openedAtMs: number;
  /** Grows with every patch and bind. */
  version = 0n;

  readonly #host: SessionHost;
  // Whether its handshake was ever done.
  #begun = false;
  readonly #end: SessionEnd;
  readonly #dispatcher: Dispatcher;
  readonly #intake: Intake;
  readonly #pace: SessionPace;

  constructor(id: string, connection: Connection, client: ClientInfo, host: SessionHost) {
    this.#host = host;
    this.openedAtMs = host.now();
    const windowMs = host.limits.resumeMs;
    const keeps = connection.nano && windowMs > 0;
    this.log = new SessionLog(host.logLimits, { keeps, budget: host.budget });
    const of = { incarnation: host.incarnation, session: id };
    this.resumption = keeps ? new Resumption({ of, random: host.random, log: this.log, windowMs }) : undefined;
    this.#pace = new SessionPace(host, this.openedAtMs);
    this.home = new ClientHome(this, host);
    this.core = new SessionCore({
      id,
      frontend: host.id,
      incarnation: host.incarnation,
      client,
      user: undefined,
      roles: [],
      data: new SessionData(),
      home: this.home,
      failed: (reason) => host.listenerFailed(reason),
    });
    this.#end = new SessionEnd(this, host);
    this.outbox = this.core.outlet = new Outbox(this, this.#end, connection, host, keeps);
    this.#dispatcher = new Dispatcher(this, host);
    this.#intake = new Intake(this, host, this.#dispatcher);
  }

  get id(): string {
    return this.core.id;
  }

  get isOver(): boolean {
    return this.core.ended !== undefined;
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
    if (this.#end.lastWords) return this.#end.lastWords.opened(connection);
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
    if (this.#end.hears) this.#intake.receive(message, form);
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

  tooSlow(): void {
    this.#end.tooSlow();
  }

  disconnected(connection: Connection, reason: CloseReason): void {
    if (connection !== this.outbox.connection || this.#end.begun) return;
    if (reason.kind !== "lost" || !this.resumption?.possible) return void this.end(reason);
    this.outbox.connection = undefined;
    this.#host.counters.paused++;
    this.#pause();
    this.#host.paused.add(this);
  }

  /** It waits no longer for its client, which comes back to a new session. */
  giveUp(why: ResetReason): void {
    this.#end.giveUp(why);
  }

  /** Pushes to the session were lost on their way here: it is over, and its client's next one is a `reset`. */
  missedPushes(): void {
    this.#end.missedPushes();
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
    this.home.adopt(state.data);
    this.version = state.version + 1n;
    this.resumption?.adopt({ secret: ticket.secret, epoch: state.epoch, received: Number(state.counted) });
    this.#dispatcher.stick(stuck);
    this.log.begin(received, log);
    this.log.pause();
    const came = this.outbox.arriving?.unheard(state.heard) ?? [];
    this.outbox.arriving = undefined;
    for (const push of came) this.outbox.push(push);
  }

  /** Something that came elsewhere, behind what was known. */
  add(entry: LogEntry): void {
    this.outbox.add(entry);
  }

  /** It is another frontend's now: nobody but the listeners here is told. */
  movedAway(): void {
    this.#end.elsewhere();
  }

  push(push: OutgoingPush): void {
    this.outbox.push(push);
  }

  kick(kick: Kick): void {
    void this.end({ kind: "kicked", code: kick.code, message: kick.reason });
  }

  /** Ends the session together with the last answer that it owes. @param deaf Whether it takes no more messages until then. */
  endWhenAnswered(reason: CloseReason, deaf: boolean): void {
    if (this.resumption?.possible && this.#host.canMove()) return this.letGo();
    this.#end.whenAnswered(reason, deaf);
  }

  /** Ends the session, once: tells the client where there is one, every server that saw it, and the callbacks. Resolves when all have finished. */
  end(reason: CloseReason): Promise<void> {
    return this.#end.now(reason);
  }

  /** Nothing that its client has asked for goes on. */
  breakOff(reason: NanoError): void {
    this.#dispatcher.stop(reason);
    this.#intake.stop(reason);
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
}
