import type { DescMessage, Message } from "@bufbuild/protobuf";
import { NanoError } from "../error/index.ts";
import { type Logger, withFields } from "../logger/index.ts";
import { type ContextValues, createContextValues, type SessionCore, SessionView } from "../session/index.ts";
import { type CallSpan, isSampled, type TraceCarrier } from "../tracing/index.ts";
import type { Cluster } from "./cluster.ts";
import type { Caller, RemoteContext } from "./context.ts";
import type { ClusterCore, Scope } from "./scope.ts";

/** What every call carries, whoever makes it. */
export interface CallInfo {
  /** On `clock.now()`. */
  readonly deadlineMs: number;
  readonly hops: number;
  readonly traceparent: string;
  readonly tracestate: string;
  readonly attempt: number;
  /** What the call is in a trace. Absent where nothing is traced. */
  readonly span?: CallSpan;
}

/** What the calls of one method have in common. */
export interface CallSite {
  readonly cluster: ClusterCore;
  readonly log: Logger;
  readonly route: string;
  /** The server type of the service. */
  readonly type: string;
  readonly sessionSchema: DescMessage | undefined;
}

/** One call while it is answered: the context of handlers and remotes. What it gives is made when first asked for. */
export class ServerCall implements Scope, RemoteContext {
  readonly #site: CallSite;
  readonly #info: CallInfo;
  readonly #session: SessionCore | undefined;
  readonly #caller: Caller | undefined;
  #over: NanoError | undefined;
  #controller: AbortController | undefined;
  #values: ContextValues | undefined;
  #log: Logger | undefined;
  #view: SessionView<Message> | undefined;

  constructor(site: CallSite, info: CallInfo, session: SessionCore | undefined, caller: Caller | undefined) {
    this.#site = site;
    this.#info = info;
    this.#session = session;
    this.#caller = caller;
  }

  get route(): string {
    return this.#site.route;
  }
  get deadlineMs(): number {
    return this.#info.deadlineMs;
  }
  get attempt(): number {
    return this.#info.attempt;
  }
  get hops(): number {
    return this.#info.hops;
  }
  get traceparent(): string {
    return (this.#info.span ?? this.#info).traceparent;
  }
  get tracestate(): string {
    return (this.#info.span ?? this.#info).tracestate;
  }
  get span(): CallSpan | undefined {
    return this.#info.span;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#over) this.#controller.abort(this.#over);
    return this.#controller.signal;
  }
  get values(): ContextValues {
    this.#values ??= createContextValues();
    return this.#values;
  }
  get log(): Logger {
    const { log, route } = this.#site;
    const session = this.#session;
    const { span } = this.#info;
    this.#log ??= withFields(log, {
      route,
      ...(session ? { session: session.id, user: session.user } : {}),
      ...(span ? { trace_id: span.traceId, span_id: span.spanId } : {}),
    });
    return this.#log;
  }

  get session(): SessionView<Message> {
    const session = this.#session;
    const { sessionSchema } = this.#site;
    if (!session || !sessionSchema) throw new NanoError({ code: "failed_precondition", message: "a remote call has no session" });
    this.#view ??= new SessionView<Message>(session, sessionSchema, (pushed) => this.mustLive(pushed));
    return this.#view;
  }
  get caller(): Caller {
    const caller = this.#caller;
    if (!caller) throw new NanoError({ code: "failed_precondition", message: "a client's call has no calling server" });
    return caller;
  }

  get group(): Cluster["group"] {
    const { cluster, type } = this.#site;
    return (name, options) => cluster.group(name, options?.type ?? type, this);
  }
  get userGroup(): Cluster["userGroup"] {
    return (name, options) => this.#site.cluster.userGroup(name, options.ttlMs, this);
  }
  get users(): Cluster["users"] {
    return (...ids) => this.#site.cluster.users(ids, this);
  }
  get remote(): Cluster["remote"] {
    return (service, target) => this.#site.cluster.remote(service, target, this);
  }
  get remoteAll(): Cluster["remoteAll"] {
    return (service) => this.#site.cluster.remoteAll(service, this);
  }
  get servers(): Cluster["servers"] {
    return (type) => this.#site.cluster.servers(type);
  }
  get module(): Cluster["module"] {
    return (key) => this.#site.cluster.module(key);
  }

  get release(): Cluster["release"] {
    const { cluster, type } = this.#site;
    return (key, options) => cluster.release(String(key), options?.type ?? type);
  }
  get ownedKeys(): Cluster["ownedKeys"] {
    return (type) => this.#site.cluster.ownedKeys(type ?? this.#site.type);
  }

  get timers(): Cluster["timers"] {
    return (session) => this.#site.cluster.timers(session);
  }

  /** Throws `canceled` once the call was broken off. After an answer it goes on: groups and sessions may be kept. */
  mustLive(pushed?: string): TraceCarrier | undefined {
    if (this.#over)
      throw new NanoError({ code: "canceled", message: `the call is over: ${this.#over.message}`, cause: this.#over });
    if (pushed === undefined) return undefined;
    const { span } = this.#info;
    // Who does not trace hands on what it was given.
    return span ? span.pushed(pushed) : isSampled(this.#info) ? this.#info : undefined;
  }

  /** Breaks the call off: its time is up, its session ended, or nobody waits for it. */
  breakOff(reason: NanoError): void {
    this.#over ??= reason;
    this.#controller?.abort(this.#over);
  }
}
