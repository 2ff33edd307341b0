import type { DeadlineSweep, ReadClock } from "../clock/index.ts";
import { type CallInfo, type ClusterCore, ServerCall } from "../context/index.ts";
import { ByteWriter } from "../contract/index.ts";
import { NanoError } from "../error/index.ts";
import type { Logger } from "../logger/index.ts";
import type { CallCounter } from "../metrics/index.ts";
import { type At, atSites, type Entry, type Outlet, tracedName, tracedOutlet } from "../pipeline/index.ts";
import type { Ownership } from "../router/index.ts";
import type { SessionCore } from "../session/index.ts";
import type { Tracing } from "../tracing/index.ts";
import { type Breakable, type Desk, HandlerCall, type StandingCall } from "./handler-call.ts";

/** What answers clients on this server. */
export interface Handlers {
  readonly routes: ReadonlyMap<string, Entry>;
  /** Calls that began and have not been answered. */
  readonly pending: number;
  /** How they fared, by route. */
  readonly counters: ReadonlyMap<string, CallCounter>;
  /** What `begin` wants to know of a route; undefined where this server does not answer it. */
  at(route: string): At | undefined;
  /**
   * Answers a client's message, in the order of its session. The outlet hears exactly once, at the latest at the deadline.
   * Gives the call, to be broken off; undefined when it is over already.
   */
  dispatch(session: SessionCore, route: string, body: Uint8Array, info: MessageInfo, outlet: Outlet): Breakable | undefined;
  /** The same of a message that stands in `bytes` from `from` up to `to`. Of a call that has not begun the bytes must stay, until it is given others. */
  begin(
    at: At,
    session: SessionCore,
    bytes: Uint8Array,
    from: number,
    to: number,
    info: MessageInfo,
    outlet: Outlet,
  ): StandingCall | undefined;
}

/** What a client's message carries. */
export interface MessageInfo extends CallInfo {
  /** When it came to this server, on its clock. */
  readonly arrivedMs: number;
}

/** What handlers are made of. */
export interface HandlersOptions {
  readonly entries: ReadonlyMap<string, Entry>;
  readonly cluster: ClusterCore;
  readonly time: ReadClock;
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
  const { entries, time, tracing, maxPending = 256 } = options;
  // What has getters is looked up by name at each use.
  const deadlines = { add: options.deadlines.add, remove: options.deadlines.remove };
  const sites = atSites(entries, options);
  const counters = new Map([...sites].map(([route, { counter }]) => [route, counter]));
  const desk: Desk = { time, deadlines, ownership: options.ownership, writer: new ByteWriter(4_096), pending: 0 };

  const begin: Handlers["begin"] = (at, session, bytes, from, to, info, outlet) => {
    const { mailbox } = session;
    if (mailbox.length >= maxPending) {
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
    const context = new ServerCall(at.site, traced, session, undefined);
    const call = new HandlerCall(desk, at, session, bytes, from, to, context, info.arrivedMs, heard);
    if (at.entry.method.order === "concurrent") call.begin();
    else mailbox.add(call);
    if (call.over) return undefined;
    deadlines.add(call);
    return call;
  };

  return {
    routes: entries,
    get pending() {
      return desk.pending;
    },
    counters,
    at: (route) => sites.get(route),
    begin,
    dispatch(session, route, body, info, outlet) {
      const at = sites.get(route);
      if (at) return begin(at, session, body, 0, body.length, info, outlet);
      outlet.failed(new NanoError({ code: "unimplemented", message: `this server does not answer ${route}` }), "route");
      return undefined;
    },
  };
}
