import type { Clock, DeadlineSweep, Timer } from "../clock/index.ts";
import type { ServerInfo } from "../discovery/index.ts";
import { isPublic, NanoError, publicError } from "../error/index.ts";
import { accessRefusal, type BreakOff, type Handlers } from "../handler/index.ts";
import { forwardBody, type Link } from "../link/index.ts";
import { createCallSeconds, type Distribution, type FrontendCounters, type Stage } from "../metrics/index.ts";
import type { RouteInfo } from "../route/index.ts";
import { type Directory, type KnownRoute, type Retries, type Router, type ServerKey, WrongServer } from "../router/index.ts";
import type { CallSpan, Tracing } from "../tracing/index.ts";
import type { ClientSession } from "./client-session.ts";
import type { EdgeCheck } from "./edge-check.ts";
import type { Incoming, IncomingOwner } from "./incoming.ts";
import { putBack, secondTryAfterMs } from "./second-try.ts";
import type { SessionPeers } from "./session-peers.ts";
import { SideBySide } from "./side-by-side.ts";
import type { UnknownRoute } from "./unknown-route.ts";

// An owned key may move once more while it is followed.
const mostMoves = 2;

/** What sending messages on needs of the server around. */
export interface DispatchHost {
  readonly incarnation: bigint;
  readonly directory: Directory;
  /** Finds a route as a client names it. */
  findRoute(route: string): KnownRoute | undefined;
  /** Decides on routes that are not found. */
  readonly unknownRoute: UnknownRoute | undefined;
  readonly router: Router;
  readonly retries: Retries;
  readonly clock: Clock;
  readonly handlers: Handlers;
  readonly edgeCheck: Pick<EdgeCheck, "refusal">;
  readonly deadlines: DeadlineSweep;
  readonly peers: SessionPeers;
  readonly limits: { readonly inFlight: number };
  readonly counters: FrontendCounters;
  /** Undefined: nothing is traced. */
  readonly tracing?: Tracing | undefined;
  now(): number;
  /** An open link, if there is one. */
  linkOf(server: ServerInfo): Link | undefined;
  linkTo(server: ServerInfo): Promise<Link>;
  /** A handler here threw what was not meant for clients. */
  handlerFailed(route: string, reason: unknown): void;
}

/**
 * Sends one session's messages to the servers that answer them, in order: ahead to the same server without waiting; another server,
 * or a method that needs a user while earlier messages may be logging in, waits for the answers before it.
 */
export class Dispatcher implements IncomingOwner {
  readonly #session: ClientSession;
  readonly #host: DispatchHost;
  readonly #waiting: Incoming[] = [];
  // Made when they are needed, which few sessions do: there are many of them.
  #running: Incoming[] | undefined;
  #before: Map<string, ServerKey> | undefined;
  #toldGone: Set<bigint> | undefined;
  #sideBySide: SideBySide | undefined;
  // Serial messages under way, and where they went.
  #serial = 0;
  #target: bigint | undefined;
  #linking = false;
  // A routing function takes its time for it.
  #choosing: Incoming | undefined;
  // The last of them that may change something.
  #lastWrite: Incoming | undefined;
  // What failed is tried once more after it.
  #pause: Timer | undefined;

  constructor(session: ClientSession, host: DispatchHost) {
    this.#session = session;
    this.#host = host;
  }

  /** The servers that the session is stuck to, by types. */
  get stuckTo(): ReadonlyMap<string, ServerKey> {
    return this.#before ?? new Map();
  }

  /** It was stuck to these at another frontend. */
  stick(servers: ReadonlyMap<string, ServerKey>): void {
    if (servers.size > 0) this.#before = new Map(servers);
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
    const free = !this.#held && (!incoming.serial || this.#waiting.length === 0);
    if (!free || !this.#go(incoming)) this.#wait(incoming);
  }

  /** The session is over: nothing waits, and what runs is broken off. */
  stop(reason: NanoError): void {
    this.#pause?.cancel();
    const waiting = [...this.#waiting.splice(0), ...(this.#sideBySide?.clear() ?? [])];
    for (const incoming of waiting) {
      this.#host.deadlines.remove(incoming);
      incoming.span?.end(reason);
    }
    for (const { breakOff } of [...(this.#running ?? [])]) breakOff?.(reason);
    this.#running = undefined;
  }

  /** A server is there no more: a session that was stuck to it learns so, once. */
  peerLost(incarnation: bigint): void {
    for (const [type, before] of this.#before ?? []) if (before.incarnation === incarnation) this.#tellGone(type, incarnation);
  }

  /** Whether nothing is sent for now: what came later must not overtake. */
  get #held(): boolean {
    return this.#linking || this.#pause !== undefined || this.#choosing !== undefined;
  }

  #wait(incoming: Incoming): void {
    this.#waiting.push(incoming);
    this.#host.deadlines.add(incoming);
  }

  #pump(): void {
    while (!this.#held) {
      // Taken out first: a handler that answers at once pumps again.
      const first = this.#waiting.shift();
      if (!first) return;
      if (!this.#go(first)) {
        this.#waiting.unshift(first);
        return;
      }
      this.#host.deadlines.remove(first);
    }
  }

  /** False while it must wait. */
  #go(incoming: Incoming): boolean {
    const { known, body } = incoming;
    const host = this.#host;
    const { core } = this.#session;
    const { serial } = incoming;
    // Before it stands one that may have to be sent elsewhere.
    if (serial && this.#serial > 0 && this.#target === undefined) return false;
    let server: ServerInfo;
    let info: RouteInfo;
    try {
      const before = this.#before?.get(known.info.server);
      const picked = incoming.chosen ?? host.router.pick(known, { body, before, failed: incoming.server, session: core });
      if (picked instanceof Promise) {
        this.#choose(incoming, picked);
        return false;
      }
      server = picked;
      info = host.directory.routeOf(server, known.info.route) ?? known.info;
    } catch (reason) {
      if (serial && this.#serial > 0) return false;
      const error = NanoError.from(reason);
      const before = this.#before?.get(known.info.server);
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
      this.#local(incoming);
      return true;
    }
    const link = host.linkOf(server);
    if (!link) {
      this.#link(incoming, server);
      return false;
    }
    const invalid = host.edgeCheck.refusal(info, body);
    if (invalid !== undefined) {
      if (!isPublic(invalid)) host.handlerFailed(info.route, invalid);
      this.#fail(incoming, publicError(invalid), "validate");
      return true;
    }
    this.#began(incoming, server);
    this.#forward(incoming, link);
    return true;
  }

  #began(incoming: Incoming, server: ServerInfo): void {
    const { known, body } = incoming;
    incoming.server = server;
    incoming.unsure = known.info.policy.own && !this.#host.router.isSure(known, body);
    if (incoming.attempt === 0) this.#host.retries.counted();
    if (!incoming.serial) return;
    this.#serial++;
    this.#target = incoming.unsure ? undefined : server.incarnation;
    if (!known.info.readOnly) this.#lastWrite = incoming;
  }

  #choose(incoming: Incoming, picked: Promise<ServerInfo>): void {
    this.#choosing = incoming;
    const chosen = (then: () => void): void => {
      // Its time may have passed meanwhile.
      if (this.#choosing !== incoming) return;
      this.#choosing = undefined;
      then();
      this.#pump();
    };
    picked.then(
      (server) =>
        chosen(() => {
          incoming.chosen = server;
        }),
      (reason: unknown) => chosen(() => this.#withdraw(incoming) && this.#fail(incoming, publicError(reason), "route")),
    );
  }

  /** Takes a message out of those that wait; false where it does not. */
  #withdraw(incoming: Incoming): boolean {
    const at = this.#waiting.indexOf(incoming);
    if (at < 0) return false;
    this.#waiting.splice(at, 1);
    this.#host.deadlines.remove(incoming);
    return true;
  }

  #link(incoming: Incoming, server: ServerInfo): void {
    this.#linking = true;
    // Who was chosen stays so when the link is there.
    incoming.chosen = server;
    this.#host.linkTo(server).then(
      () => {
        this.#linking = false;
        this.#pump();
      },
      (reason: unknown) => {
        this.#linking = false;
        if (this.#withdraw(incoming)) {
          incoming.server = server;
          const error = NanoError.from(reason);
          if (!this.#again(incoming, error, false)) this.#fail(incoming, error, "route");
        }
        this.#pump();
      },
    );
  }

  /** Whether a message that failed waits for another try. */
  #again(incoming: Incoming, error: NanoError, begun: boolean): boolean {
    const { retries, clock } = this.#host;
    const { info } = incoming.known;
    const stuck = info.policy.by === "sticky" && this.#before?.has(info.server) === true;
    const overtaken = incoming.serial && this.#lastWrite !== incoming;
    const delayMs = secondTryAfterMs({ incoming, error, begun, stuck, overtaken }, retries, clock.now());
    if (delayMs === undefined) return false;
    this.#putBack(incoming);
    this.#pause ??= clock.after(delayMs, () => {
      this.#pause = undefined;
      this.#pump();
    });
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
    putBack(this.#waiting, incoming);
    this.#host.deadlines.add(incoming);
  }

  #local(incoming: Incoming): void {
    const { message, known, body, deadlineMs } = incoming;
    const { span, attempt } = incoming;
    const info = { arrivedMs: message.atMs, deadlineMs, hops: 0, traceparent: "", tracestate: "", attempt };
    const traced = span ? { ...info, span } : info;
    const breakOff = this.#host.handlers.dispatch(this.#session.core, known.info.route, body, traced, incoming);
    if (breakOff) this.#runs(incoming, breakOff);
  }

  #forward(incoming: Incoming, link: Link): void {
    const { message, known, body, deadlineMs } = incoming;
    const { peers, now, counters } = this.#host;
    const hop = this.#hop(incoming);
    const sentMs = now();
    let begun = true;
    const call = link.expect(deadlineMs, (outcome) => {
      hop?.end(outcome instanceof NanoError ? outcome : undefined);
      forwardSeconds(counters, known.info.route).observe((now() - sentMs) / 1_000);
      if (outcome instanceof NanoError) this.#failed(incoming, outcome, "handler", begun);
      else if (outcome.case === "body") this.answered(incoming, outcome.value);
      else if (outcome.case === "wrongServer") this.#failed(incoming, new WrongServer(outcome.value), "route", false);
      else this.failed(incoming, new NanoError({ code: "internal", message: "the answer makes no sense" }), "after");
    });
    this.#runs(incoming, (reason) => link.cancel(call, reason));
    const envelope = { remainingMs: Math.max(1, Math.floor(deadlineMs - sentMs)), attempt: incoming.attempt };
    const place = hop ?? incoming.span;
    try {
      link.sendData(
        forwardBody({
          call,
          handle: peers.handleOn(link, this.#session),
          route: known.info.route,
          body,
          notify: message.kind === "notify",
          version: this.#session.version,
          envelope: place ? { ...envelope, traceparent: place.traceparent, tracestate: place.tracestate } : envelope,
        }),
      );
    } catch (reason) {
      begun = false;
      link.forget(call, NanoError.from(reason));
    }
  }

  /** The way over a link, in the trace of its message. */
  #hop({ span, known }: Incoming): CallSpan | undefined {
    return span && this.#host.tracing?.forwarding(known.info.path.slice(1), span);
  }

  #runs(incoming: Incoming, breakOff: BreakOff): void {
    this.#running ??= [];
    incoming.breakOff = breakOff;
    incoming.running = this.#running.push(incoming) - 1;
  }

  #ran(incoming: Incoming): void {
    const running = this.#running;
    const { running: at } = incoming;
    if (running?.[at] !== incoming) return;
    const last = running.pop();
    if (!last || last === incoming) return;
    running[at] = last;
    last.running = at;
  }

  answered(incoming: Incoming, body: Uint8Array): void {
    this.#ran(incoming);
    incoming.span?.end();
    const { message, known, body: request, server } = incoming;
    if (server && incoming.unsure) this.#host.router.learn(known, request, server.incarnation);
    if (server && this.#before?.get(known.info.server) !== server) {
      this.#before ??= new Map();
      this.#before.set(known.info.server, server);
    }
    if (message.kind === "request") this.#session.answer(message.id, known.info.route, body);
    this.#left(incoming);
    this.#finished(incoming);
  }

  failed(incoming: Incoming, reason: unknown, stage: Stage): void {
    this.#failed(incoming, reason, stage, true);
  }

  #failed(incoming: Incoming, reason: unknown, stage: Stage, begun: boolean): void {
    this.#ran(incoming);
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
      return this.#session.refuse(incoming.message, error, "route");
    }
    const at = this.#waiting.indexOf(incoming);
    if (at < 0) return;
    this.#waiting.splice(at, 1);
    if (this.#choosing === incoming) this.#choosing = undefined;
    this.#fail(incoming, error, "route");
    this.#pump();
  }

  #finished(incoming: Incoming): void {
    if (incoming.serial) this.#serial--;
    // A session may be idle for long: it does not keep its last message.
    if (this.#lastWrite === incoming) this.#lastWrite = undefined;
    this.#pump();
  }

  #fail(incoming: Incoming, error: NanoError, stage: Stage): void {
    incoming.span?.end(error);
    this.#session.refuse(incoming.message, error, stage);
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
    if (this.#toldGone?.has(incarnation)) return;
    this.#toldGone ??= new Set();
    this.#toldGone.add(incarnation);
    this.#session.gone(type);
  }
}

function forwardSeconds({ forwards }: FrontendCounters, route: string): Distribution {
  let seconds = forwards.get(route);
  if (!seconds) {
    seconds = createCallSeconds();
    forwards.set(route, seconds);
  }
  return seconds;
}
