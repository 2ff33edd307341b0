import type { DeadlineSweep, Due } from "../clock/index.ts";
import { type Caller, type CallInfo, type ClusterCore, nextHop, ServerCall } from "../context/index.ts";
import { ByteWriter } from "../contract/index.ts";
import { isPublic, NanoError, publicError } from "../error/index.ts";
import type { Logger } from "../logger/index.ts";
import type { CallCounter, Stage } from "../metrics/index.ts";
import { atSites, type Entry, type Outlet, run, tracedName, tracedOutlet } from "../pipeline/index.ts";
import { atHome, type Home, type Ownership } from "../router/index.ts";
import type { Tracing } from "../tracing/index.ts";

/** What answers other servers on this server. */
export interface Remotes {
  readonly routes: ReadonlyMap<string, Entry>;
  /** Calls that began and have not been answered. */
  readonly pending: number;
  /** How they fared, by route. */
  readonly counters: ReadonlyMap<string, CallCounter>;
  /**
   * Answers one call, beside all others. The outlet hears exactly once, at the latest at the deadline. Gives what breaks it off.
   *
   * @param info As the call came: this server is not among its hops yet.
   */
  dispatch(route: string, body: Uint8Array, caller: Caller, info: CallInfo, outlet: Outlet): (reason: NanoError) => void;
}

/** What remotes are made of. */
export interface RemotesOptions {
  readonly entries: ReadonlyMap<string, Entry>;
  readonly cluster: ClusterCore;
  readonly now: () => number;
  readonly deadlines: DeadlineSweep;
  readonly log: Logger;
  /** Where owned keys are at home. */
  readonly ownership: Ownership;
  /** How many calls may run at once. The default is 10,000. */
  readonly maxPending?: number;
  /** Undefined: nothing is traced. */
  readonly tracing?: Tracing | undefined;
}

const nothingToBreak = (): void => {};

/** Joins the routes of remotes with the code that answers them. */
export function createRemotes(options: RemotesOptions): Remotes {
  const { entries, now, deadlines, log, ownership, tracing } = options;
  const maxPending = options.maxPending ?? 10_000;
  const sites = atSites(entries, options);
  const writer = new ByteWriter(4_096);
  let pending = 0;
  return {
    routes: entries,
    get pending() {
      return pending;
    },
    counters: new Map([...sites].map(([route, { counter }]) => [route, counter])),
    dispatch(route, body, caller, info, outlet) {
      const at = sites.get(route);
      if (!at) {
        outlet.failed(new NanoError({ code: "unimplemented", message: `this server does not answer ${route}` }), "route");
        return nothingToBreak;
      }
      if (pending >= maxPending) {
        outlet.failed(new NanoError({ code: "resource_exhausted", message: "too many remote calls run" }), "limit");
        return nothingToBreak;
      }
      let hops: number;
      try {
        hops = nextHop(info.hops);
      } catch (reason) {
        outlet.failed(reason, "route");
        return nothingToBreak;
      }
      pending++;
      const span = tracing?.answering(tracedName(at.entry.method.method), info);
      const heard = span ? tracedOutlet(span, outlet) : outlet;
      const context = new ServerCall(at.site, span ? { ...info, hops, span } : { ...info, hops }, undefined, caller);
      const beganMs = now();
      let home: Home | undefined;
      const over = (): void => {
        pending--;
        at.counter.ended((now() - beganMs) / 1_000);
        deadlines.remove(call);
        if (home) ownership.left(home);
      };
      const call = new RemoteCall(context, {
        answered(answer) {
          over();
          heard.answered(answer);
        },
        failed(reason, stage) {
          over();
          at.counter.failedWith(publicError(reason).code);
          if (!isPublic(reason)) log.error({ err: reason, route }, "a remote threw");
          heard.failed(reason, stage);
        },
      });
      if (!at.entry.ownedBy) run(at.entry, context, body, 0, body.length, writer, call);
      else {
        const begin = (entered: Home): void => {
          if (call.over) return ownership.left(entered);
          home = entered;
          run(at.entry, context, body, 0, body.length, writer, call);
        };
        atHome(ownership, at.entry.ownedBy, body, begin, (reason) => call.failed(reason, "route"));
      }
      if (!call.over) deadlines.add(call);
      return (reason) => call.breakOff(reason);
    },
  };
}

/** One call from its arrival to its answer. */
class RemoteCall implements Due, Outlet {
  readonly #context: ServerCall;
  readonly #outlet: Outlet;
  over = false;

  constructor(context: ServerCall, outlet: Outlet) {
    this.#context = context;
    this.#outlet = outlet;
  }

  get deadlineMs(): number {
    return this.#context.deadlineMs;
  }

  answered(body: Uint8Array): void {
    if (this.over) return;
    this.over = true;
    this.#outlet.answered(body);
  }

  failed(reason: unknown, stage: Stage): void {
    if (this.over) return;
    this.over = true;
    this.#outlet.failed(reason, stage);
  }

  expire(): void {
    this.breakOff(new NanoError({ code: "deadline_exceeded", message: `${this.#context.route} took too long` }));
  }

  breakOff(reason: NanoError): void {
    if (this.over) return;
    this.#context.breakOff(reason);
    this.failed(reason, "handler");
  }
}
