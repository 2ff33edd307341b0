import type { DescMessage, Message } from "@bufbuild/protobuf";
import { NanoError } from "../error/index.ts";
import { type Logger, withFields } from "../logger/index.ts";
import { type ContextValues, createContextValues, type SessionCore, SessionView } from "../session/index.ts";
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
}

/** What a call is, beside its body. */
export interface ServerCallOptions {
  readonly cluster: ClusterCore;
  readonly log: Logger;
  readonly route: string;
  /** The server type of the service. */
  readonly type: string;
  readonly info: CallInfo;
  readonly session: SessionCore | undefined;
  readonly sessionSchema: DescMessage | undefined;
  readonly caller: Caller | undefined;
}

/** One call while it is answered: the context of handlers and remotes. What it gives is made when first asked for. */
export class ServerCall implements Scope, RemoteContext {
  readonly #options: ServerCallOptions;
  #over: NanoError | undefined;
  #controller: AbortController | undefined;
  #values: ContextValues | undefined;
  #log: Logger | undefined;
  #view: SessionView<Message> | undefined;

  constructor(options: ServerCallOptions) {
    this.#options = options;
  }

  get route(): string {
    return this.#options.route;
  }
  get deadlineMs(): number {
    return this.#options.info.deadlineMs;
  }
  get attempt(): number {
    return this.#options.info.attempt;
  }
  get hops(): number {
    return this.#options.info.hops;
  }
  get traceparent(): string {
    return this.#options.info.traceparent;
  }
  get tracestate(): string {
    return this.#options.info.tracestate;
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
    const { session, log, route } = this.#options;
    this.#log ??= withFields(log, session ? { route, session: session.id, user: session.user } : { route });
    return this.#log;
  }

  get session(): SessionView<Message> {
    const { session, sessionSchema } = this.#options;
    if (!session || !sessionSchema) throw new NanoError({ code: "failed_precondition", message: "a remote call has no session" });
    this.#view ??= new SessionView<Message>(session, sessionSchema, this.mustLive);
    return this.#view;
  }
  get caller(): Caller {
    const { caller } = this.#options;
    if (!caller) throw new NanoError({ code: "failed_precondition", message: "a client's call has no calling server" });
    return caller;
  }

  get group(): Cluster["group"] {
    const { cluster, type } = this.#options;
    return (name, options) => cluster.group(name, options?.type ?? type, this);
  }
  get userGroup(): Cluster["userGroup"] {
    return (name, options) => this.#options.cluster.userGroup(name, options.ttlMs, this);
  }
  get users(): Cluster["users"] {
    return (...ids) => this.#options.cluster.users(ids, this);
  }
  get remote(): Cluster["remote"] {
    return (service, target) => this.#options.cluster.remote(service, target, this);
  }
  get remoteAll(): Cluster["remoteAll"] {
    return (service) => this.#options.cluster.remoteAll(service, this);
  }
  get servers(): Cluster["servers"] {
    return (type) => this.#options.cluster.servers(type);
  }
  get module(): Cluster["module"] {
    return (key) => this.#options.cluster.module(key);
  }

  /** Throws `canceled` once the call was broken off. After an answer it goes on: groups and sessions may be kept. */
  readonly mustLive = (): void => {
    if (this.#over)
      throw new NanoError({ code: "canceled", message: `the call is over: ${this.#over.message}`, cause: this.#over });
  };

  /** Breaks the call off: its time is up, its session ended, or nobody waits for it. */
  breakOff(reason: NanoError): void {
    this.#over ??= reason;
    this.#controller?.abort(this.#over);
  }
}
