import type { RemoteService } from "../contract/index.ts";
import type { ServerInfo } from "../discovery/index.ts";
import type { Group } from "../group/index.ts";
import type { Session } from "../session/index.ts";
import type { TraceCarrier, Tracing } from "../tracing/index.ts";
import type { UserGroup, Users } from "../user/index.ts";
import type { EveryServer, RemoteTarget } from "./cluster.ts";
import type { ModuleKey } from "./lifecycle.ts";
import type { Timers } from "./timers.ts";

/** What a call hands on to the calls that are made through it. */
export interface Scope {
  /** On `clock.now()`. Undefined: no call's, so the method's own timeout counts from now. */
  readonly deadlineMs: number | undefined;
  /** How many servers the call has passed. */
  readonly hops: number;
  readonly traceparent: string;
  readonly tracestate: string;
  /** Aborts the calls made through it; undefined where nothing does. */
  readonly signal: AbortSignal | undefined;
  /** Throws `canceled` where the call is over. @param pushed The route of what is about to be pushed. @returns Where that stands in a trace that is sampled. */
  mustLive(pushed?: string): TraceCarrier | undefined;
}

/** Calls that stand alone: timers, `init`, the code around a server. Their pushes begin traces of their own. */
export function aloneScope(tracing: Pick<Tracing, "sending"> | undefined): Scope {
  return {
    deadlineMs: undefined,
    hops: 0,
    traceparent: "",
    tracestate: "",
    signal: undefined,
    mustLive: (pushed) => (pushed === undefined ? undefined : tracing?.sending(pushed)),
  };
}

/** The cluster, for whatever scope asks: what a server wires once, and contexts put a face on. */
export interface ClusterCore {
  group(name: string, type: string | undefined, scope: Scope): Group;
  userGroup(name: string, ttlMs: number, scope: Scope): UserGroup;
  users(ids: readonly string[], scope: Scope): Users;
  remote<C>(service: RemoteService<unknown, C>, target: RemoteTarget | undefined, scope: Scope): C;
  remoteAll<C>(service: RemoteService<unknown, C>, scope: Scope): EveryServer<C>;
  servers(type: string | undefined): readonly ServerInfo[];
  module<T>(key: ModuleKey<T>): T;
  release(key: string, type: string | undefined): Promise<void>;
  ownedKeys(type: string | undefined): readonly string[];
  timers(session: Session | undefined): Timers;
}
