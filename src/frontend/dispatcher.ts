import type { ByteWriter } from "../contract/index.ts";
import type { ServerInfo } from "../discovery/index.ts";
import { isPublic, NanoError, publicError } from "../error/index.ts";
import { accessRefusal, type Breakable } from "../handler/index.ts";
import type { Stage } from "../metrics/index.ts";
import type { RouteInfo } from "../route/index.ts";
import { type ServerKey, WrongServer } from "../router/index.ts";
import type { ClientSession } from "./client-session.ts";
import { type DetourOwner, Detours } from "./detours.ts";
import type { DispatchHost } from "./dispatch-host.ts";
import { type ForwardOutlet, forward } from "./forward.ts";
import type { Incoming, IncomingOwner } from "./incoming.ts";
import type { LocalRoute } from "./local-routes.ts";
import { secondTryAfterMs } from "./second-try.ts";
import { SideBySide } from "./side-by-side.ts";
import { Stickiness } from "./stickiness.ts";
import { UnderWay } from "./under-way.ts";
import { WaitingLine } from "./waiting-line.ts";

// An owned key may move once more while it is followed.
const mostMoves = 2;

/**
 * Sends one session's messages to the servers that answer them, in order: ahead to the same server without waiting; another server,
 * or a method that needs a user while earlier messages may be logging in, waits for the answers before it.
 */
export class Dispatcher implements IncomingOwner, ForwardOutlet, DetourOwner {
  readonly #session: ClientSession;
  readonly #host: DispatchHost;
  readonly #waiting: WaitingLine;
  readonly #stuck = new Stickiness();
  // Made when they are needed, which few sessions do: there are many of them.
  #running: UnderWay | undefined;
  #sideBySide: SideBySide | undefined;
  #detours: Detours | undefined;
  // Serial messages under way, and where they went.
  #serial = 0;
  #target: bigint | undefined;
  // How many of them may have changed something. A number: the last of them itself would be kept by a session that is idle for long.
  #writes = 0;

  constructor(session: ClientSession, host: DispatchHost) {
    this.#session = session;
    this.#host = host;
    this.#waiting = new WaitingLine(host.deadlines);
  }

  /** The servers that the session is stuck to, by types. */
  get stuckTo(): ReadonlyMap<string, ServerKey> {
    return this.#stuck.servers;
  }

  /** It was stuck to these at another frontend. */
  stick(servers: ReadonlyMap<string, ServerKey>): void {
    this.#stuck.adopt(servers);
  }

  /** Messages that wait, and that are under way. */
  get pending(): number {
    return this.#waiting.length + (this.#sideBySide?.waiting ?? 0) + (this.#running?.length ?? 0);
  }

  /** Sends a message on, in its turn. */
  send(incoming: Incoming): void {
    if (incoming.serial) return this.#send(incoming);
    this.#sideBySide ??= new SideBySide();
    if (this.#sideBySide.enter(incoming)) this.#send(incoming);
    else this.#host.deadlines.add(incoming);
  }

  #send(incoming: Incoming): void {
    const free = !this.#held() && (!incoming.serial || this.#waiting.length === 0);
    if (!free || !this.#go(incoming)) this.#waiting.add(incoming);
  }

  /** The session is over: nothing waits, and what runs is broken off. */
  stop(reason: NanoError): void {
    this.#detours?.stop();
    for (const incoming of this.#waiting.clear()) incoming.span?.end(reason);
    for (const incoming of this.#sideBySide?.clear() ?? []) {
      this.#host.deadlines.remove(incoming);
      incoming.span?.end(reason);
    }
    this.#running?.breakOff(reason);
  }

  /** A server is there no more: a session that was stuck to it learns so, once. */
  peerLost(incarnation: bigint): void {
    for (const type of this.#stuck.typesOf(incarnation)) this.#tellGone(type, incarnation);
  }

  #held(): boolean {
    return this.#detours?.holds ?? false;
  }

  #detour(): Detours {
    this.#detours ??= new Detours(this, this.#host.clock);
    return this.#detours;
  }

  resume(): void {
    this.#pump();
  }

  #pump(): void {
    while (!this.#held() && this.#waiting.length > 0) {
      // Taken out first: a handler that answers at once pumps again.
      const first = this.#waiting.shift();
      if (!first) return;
      if (!this.#go(first)) return this.#waiting.unshift(first);
    }
  }

  /** False while it must wait. */
  #go(incoming: Incoming): boolean {
    const { known, serial } = incoming;
    const host = this.#host;
    const { core } = this.#session;
    // Before it stands one that may have to be sent elsewhere.
    if (serial && this.#serial > 0 && this.#target === undefined) return false;
    const local = incoming.chosen ? undefined : host.local.of(known);
    let server: ServerInfo;
    let info: RouteInfo;
    if (local) ({ server, info } = local);
    else
      try {
        const before = this.#stuck.of(known.info.server);
        const { body } = incoming;
        const picked = incoming.chosen ?? host.router.pick(known, { body, before, failed: incoming.server, session: core });
        if (picked instanceof Promise) {
          this.#detour().choose(incoming, picked);
          return false;
        }
        server = picked;
        info = host.directory.routeOf(server, known.info.route) ?? known.info;
      } catch (reason) {
        if (serial && this.#serial > 0) return false;
        const error = NanoError.from(reason);
        const before = this.#stuck.of(known.info.server);
        if (known.info.policy.by === "sticky" && before) this.#tellGone(known.info.server, before.incarnation);
        this.#fail(incoming, error, "route");
        return true;
      }
    if (serial && this.#serial > 0) {
      if (info.policy.access === "bound" && core.user === undefined) return false;
      if (server.incarnation !== this.#target) return false;
    }
    const refusal = accessRefusal(info.policy.access, info.policy.roles, core.user, core.roles);
    if (refusal) {
      this.#fail(incoming, refusal, "access");
      return true;
    }
    if (server.incarnation === host.incarnation) {
      this.#began(incoming, server);
      this.#local(incoming, local);
      return true;
    }
    const link = host.linkOf(server);
    if (!link) {
      this.#detour().link(incoming, server, host.linkTo(server));
      return false;
    }
    const invalid = host.edgeCheck.refusal(info, incoming.body);
    if (invalid !== undefined) {
      if (!isPublic(invalid)) host.handlerFailed(info.route, invalid);
      this.#fail(incoming, publicError(invalid), "validate");
      return true;
    }
    this.#began(incoming, server);
    forward(incoming, link, this.#session, host, this);
    return true;
  }

  #began(incoming: Incoming, server: ServerInfo): void {
    const { known } = incoming;
    incoming.server = server;
    incoming.unsure = known.info.policy.own && !this.#host.router.isSure(known, incoming.body);
    if (incoming.attempt === 0) this.#host.retries.counted();
    if (!incoming.serial) return;
    this.#serial++;
    this.#target = incoming.unsure ? undefined : server.incarnation;
    if (!known.info.readOnly) incoming.writes = ++this.#writes;
  }

  unchosen(incoming: Incoming, reason: unknown): void {
    if (this.#waiting.remove(incoming)) this.#fail(incoming, publicError(reason), "route");
  }

  unlinked(incoming: Incoming, server: ServerInfo, reason: unknown): void {
    if (!this.#waiting.remove(incoming)) return;
    incoming.server = server;
    const error = NanoError.from(reason);
    if (!this.#again(incoming, error, false)) this.#fail(incoming, error, "route");
  }

  /** Whether a message that failed waits for another try. */
  #again(incoming: Incoming, error: NanoError, begun: boolean): boolean {
    const { retries, clock } = this.#host;
    const { info } = incoming.known;
    const stuck = info.policy.by === "sticky" && this.#stuck.of(info.server) !== undefined;
    const overtaken = incoming.serial && this.#writes !== incoming.writes;
    const delayMs = secondTryAfterMs({ incoming, error, begun, stuck, overtaken }, retries, clock.now());
    if (delayMs === undefined) return false;
    this.#putBack(incoming);
    this.#detour().pause(delayMs);
    return true;
  }

  /** Whether a message whose key is at home elsewhere waits to be sent there. */
  #moved(incoming: Incoming, home: bigint): boolean {
    const { known, body, attempt } = incoming;
    if (attempt >= mostMoves || !this.#host.router.learn(known, body, home)) return false;
    this.#putBack(incoming);
    return true;
  }

  #putBack(incoming: Incoming): void {
    incoming.attempt++;
    incoming.chosen = undefined;
    this.#waiting.putBack(incoming);
  }

  #local(incoming: Incoming, local: LocalRoute | undefined): void {
    const { message, known, deadlineMs, span, attempt, asRead } = incoming;
    const { handlers } = this.#host;
    const { core } = this.#session;
    const plain = { arrivedMs: message.atMs, deadlineMs, hops: 0, traceparent: "", tracestate: "", attempt };
    const info = span ? { ...plain, span } : plain;
    if (local && asRead) {
      const call = handlers.begin(local.at, core, asRead.bytes, asRead.from, asRead.to, info, incoming);
      if (!call) return;
      // Nobody tries it once more: its body is not looked at again.
      if (call.begun && !known.info.idempotent) message.over = true;
      else call.keep(message.body);
      return this.sent(incoming, call);
    }
    const call = handlers.dispatch(core, known.info.route, incoming.body, info, incoming);
    if (call) this.sent(incoming, call);
  }

  sent(incoming: Incoming, call: Breakable): void {
    this.#running ??= new UnderWay();
    this.#running.add(incoming, call);
  }

  answered(incoming: Incoming, body: Uint8Array): void {
    this.#done(incoming);
    const { message, known } = incoming;
    if (message.kind === "request") this.#session.outbox.answer(message.id, known.info.route, body);
    this.#left(incoming);
    this.#finished(incoming);
  }

  laid(incoming: Incoming, answer: ByteWriter): void {
    this.#done(incoming);
    const { message, known } = incoming;
    if (message.kind === "request") this.#session.outbox.answerLaid(message.id, known.info.route, answer);
    this.#left(incoming);
    this.#finished(incoming);
  }

  #done(incoming: Incoming): void {
    this.#running?.remove(incoming);
    incoming.span?.end();
    incoming.message.over = true;
    const { known, server } = incoming;
    if (!server) return;
    if (incoming.unsure) this.#host.router.learn(known, incoming.body, server.incarnation);
    this.#stuck.answeredBy(known.info.server, server);
  }

  failed(incoming: Incoming, reason: unknown, stage: Stage, begun = true): void {
    this.#running?.remove(incoming);
    if (!isPublic(reason)) this.#host.handlerFailed(incoming.known.info.route, reason);
    const error = publicError(reason);
    const again = error instanceof WrongServer ? this.#moved(incoming, error.home) : this.#again(incoming, error, begun);
    if (!again) this.#fail(incoming, error, stage);
    this.#finished(incoming);
  }

  // A link that never comes up must not hold a message longer than its method allows.
  expired(incoming: Incoming): void {
    const { route } = incoming.known.info;
    const error = new NanoError({ code: "deadline_exceeded", message: `${route} waited too long` });
    if (this.#sideBySide?.remove(incoming)) {
      incoming.span?.end(error);
      return this.#session.outbox.refuse(incoming.message, error, "route");
    }
    if (!this.#waiting.remove(incoming)) return;
    this.#detours?.forget(incoming);
    this.#fail(incoming, error, "route");
    this.#pump();
  }

  #finished(incoming: Incoming): void {
    if (incoming.serial) this.#serial--;
    this.#pump();
  }

  #fail(incoming: Incoming, error: NanoError, stage: Stage): void {
    incoming.span?.end(error);
    incoming.message.over = true;
    this.#session.outbox.refuse(incoming.message, error, stage);
    this.#left(incoming);
  }

  /** A message is over: of those side by side, the next has its turn. */
  #left(incoming: Incoming): void {
    const next = incoming.serial ? undefined : this.#sideBySide?.left(incoming);
    if (!next) return;
    this.#host.deadlines.remove(next);
    this.#send(next);
  }

  #tellGone(type: string, incarnation: bigint): void {
    if (this.#stuck.isNews(incarnation)) this.#session.outbox.gone(type);
  }
}
