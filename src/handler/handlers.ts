import type { DeadlineSweep, Due } from "../clock/index.ts";
import { type CallInfo, type ClusterCore, ServerCall } from "../context/index.ts";
import { ByteWriter } from "../contract/index.ts";
import { NanoError, publicError } from "../error/index.ts";
import type { Logger } from "../logger/index.ts";
import type { CallCounter, Stage } from "../metrics/index.ts";
import { type At, atSites, type Entry, type Outlet, run, tracedName, tracedOutlet } from "../pipeline/index.ts";
import { atHome, type Home, type Ownership } from "../router/index.ts";
import type { SessionCore, Work } from "../session/index.ts";
import type { Tracing } from "../tracing/index.ts";

/** What answers clients on this server. */
export interface Handlers {
  readonly routes: ReadonlyMap<string, Entry>;
  /** Calls that began and have not been answered. */
  readonly pending: number;
  /** How they fared, by route. */
  readonly counters: ReadonlyMap<string, CallCounter>;
  /**
   * Answers a client's message, in the order of its session. The outlet hears exactly once, at the latest at the deadline.
   * Gives the call, to be broken off; undefined when it is over already.
   */
  dispatch(session: SessionCore, route: string, body: Uint8Array, info: MessageInfo, outlet: Outlet): Breakable | undefined;
}

/** What a client's message carries. */
export interface MessageInfo extends CallInfo {
  /** When it came to this server, on its clock. */
  readonly arrivedMs: number;
}

/** A call that is not over yet. */
export interface Breakable {
  /** Breaks it off, if it is not over: its outlet hears the reason. */
  breakOff(reason: NanoError): void;
}

/** What handlers are made of. */
export interface HandlersOptions {
  readonly entries: ReadonlyMap<string, Entry>;
  readonly cluster: ClusterCore;
  readonly now: () => number;
  readonly deadlines: DeadlineSweep;
  readonly log: Logger;
  /** Where owned keys are at home. */
  readonly ownership: Ownership;
  /** How many messages of one session may wait and run on this server. The default is 256. */
  readonly maxPending?: number;
  /** Undefined: nothing is traced. */
  readonly tracing?: Tracing | undefined;
}

/** Joins routes with the code that answers them. */
export function createHandlers(options: HandlersOptions): Handlers {
  const { entries, now, deadlines, tracing, maxPending = 256 } = options;
  const sites = atSites(entries, options);
  const counters = new Map([...sites].map(([route, { counter }]) => [route, counter]));
  const desk: Desk = { now, deadlines, ownership: options.ownership, writer: new ByteWriter(4_096), pending: 0 };
  return {
    routes: entries,
    get pending() {
      return desk.pending;
    },
    counters,
    dispatch(session, route, body, info, outlet) {
      const at = sites.get(route);
      if (!at) {
        outlet.failed(new NanoError({ code: "unimplemented", message: `this server does not answer ${route}` }), "route");
        return undefined;
      }
      if (session.mailbox.length >= maxPending) {
        outlet.failed(new NanoError({ code: "resource_exhausted", message: "too many messages of the session wait" }), "limit");
        return undefined;
      }
      let heard = outlet;
      let traced = info;
      // A frontend has begun the span of its own clients' messages.
      if (tracing && !info.span) {
        const span = tracing.answering(tracedName(at.entry.method.method), info);
        if (span) {
          traced = { ...info, span };
          heard = tracedOutlet(span, outlet);
        }
      }
      const call = new HandlerCall(
        desk,
        at,
        session,
        body,
        new ServerCall(at.site, traced, session, undefined),
        info.arrivedMs,
        heard,
      );
      if (at.entry.method.order === "concurrent") call.begin();
      else session.mailbox.add(call);
      if (call.over) return undefined;
      deadlines.add(call);
      return call;
    },
  };
}

/** What the calls of a server share. */
interface Desk {
  readonly now: () => number;
  readonly deadlines: DeadlineSweep;
  readonly ownership: Ownership;
  readonly writer: ByteWriter;
  /** Calls that began and have not been answered. */
  pending: number;
}

/** One message from its arrival on this server to its answer. */
class HandlerCall implements Breakable, Due, Outlet, Work {
  readonly #desk: Desk;
  readonly #entry: Entry;
  readonly #counter: CallCounter;
  readonly #session: SessionCore;
  readonly #body: Uint8Array;
  readonly #outlet: Outlet;
  readonly #context: ServerCall;
  readonly #arrivedMs: number;
  // Of an owned key.
  #home: Home | undefined;
  // When its turn came; of one whose turn never came, never.
  #beganMs = Number.NaN;
  over = false;
  // The sweep's. Here from the start, so that all of them are of one shape.
  place: number | undefined = undefined;

  constructor(
    desk: Desk,
    at: At,
    session: SessionCore,
    body: Uint8Array,
    context: ServerCall,
    arrivedMs: number,
    outlet: Outlet,
  ) {
    this.#desk = desk;
    this.#arrivedMs = arrivedMs;
    this.#entry = at.entry;
    this.#counter = at.counter;
    this.#session = session;
    this.#body = body;
    this.#outlet = outlet;
    this.#context = context;
    desk.pending++;
  }

  get deadlineMs(): number {
    return this.#context.deadlineMs;
  }

  /** Its turn in the mailbox has come. */
  begin(): void {
    const session = this.#session;
    if (this.over) return session.mailbox.finished(this);
    if (session.ended) return this.breakOff(new NanoError({ code: "canceled", message: "the session has ended" }), "access");
    this.#beganMs = this.#desk.now();
    this.#counter.queueSeconds.observe((this.#beganMs - this.#arrivedMs) / 1_000);
    if (this.#beganMs >= this.deadlineMs) return this.expire();
    session.refresh();
    const refusal = refused(this.#entry, session);
    if (refusal) this.failed(refusal, "access");
    else if (this.#entry.ownedBy) this.#beginAtHome(this.#entry.ownedBy);
    else run(this.#entry, this.#context, this.#body, this.#desk.writer, this);
  }

  // In its turn, so that a key that must be claimed first is not overtaken.
  #beginAtHome(ownedBy: NonNullable<Entry["ownedBy"]>): void {
    const { ownership, writer } = this.#desk;
    const begin = (home: Home): void => {
      if (this.over) return ownership.left(home);
      this.#home = home;
      run(this.#entry, this.#context, this.#body, writer, this);
    };
    atHome(ownership, ownedBy, this.#body, begin, (reason) => this.failed(reason, "route"));
  }

  answered(body: Uint8Array): void {
    if (!this.#end()) return;
    this.#outlet.answered(body);
    // Of one that runs beside others the mailbox knows nothing.
    this.#session.mailbox.finished(this);
  }

  failed(reason: unknown, stage: Stage): void {
    if (!this.#end()) return;
    this.#counter.failedWith(publicError(reason).code);
    this.#outlet.failed(reason, stage);
    this.#session.mailbox.finished(this);
  }

  expire(): void {
    this.breakOff(new NanoError({ code: "deadline_exceeded", message: `${this.#entry.method.route} took too long` }));
  }

  /** The context ends, the client is told, and the mailbox goes on; the code that runs may still. */
  breakOff(reason: NanoError, stage: Stage = "handler"): void {
    if (this.over) return;
    this.#context.breakOff(reason);
    this.failed(reason, stage);
  }

  #end(): boolean {
    if (this.over) return false;
    this.over = true;
    this.#desk.pending--;
    this.#counter.ended((this.#desk.now() - this.#beganMs) / 1_000);
    this.#desk.deadlines.remove(this);
    if (this.#home) this.#desk.ownership.left(this.#home);
    return true;
  }
}

/** Why the session may not call the method now, if so. The frontend asks the same first. */
function refused(entry: Entry, session: SessionCore): NanoError | undefined {
  return accessRefusal(entry.method.access ?? "bound", entry.method.roles ?? [], session.user, session.roles);
}

/** Why somebody may not call a method, if so. */
export function accessRefusal(
  access: "bound" | "public",
  needed: readonly string[],
  user: string | undefined,
  roles: readonly string[],
): NanoError | undefined {
  if (access === "bound" && user === undefined) {
    return new NanoError({ code: "unauthenticated", message: "the session is not bound to a user: log in first" });
  }
  if (needed.length > 0 && !needed.some((role) => roles.includes(role))) {
    return new NanoError({ code: "permission_denied", message: `the method asks for the role ${needed.join(" or ")}` });
  }
  return undefined;
}
