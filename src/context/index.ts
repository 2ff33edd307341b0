export type { Cluster, EveryServer, GroupOptions, RemoteTarget, ServerResult } from "./cluster.ts";
export type { CallContext, Caller, HandlerContext, PublicContext, RemoteContext } from "./context.ts";
export { nextHop } from "./hops.ts";
export { type DrainTime, type Lifecycle, type Module, type ModuleKey, moduleKey } from "./lifecycle.ts";
export type { Readiness, ReadinessReason } from "./readiness.ts";
export { aloneScope, type ClusterCore, type Scope } from "./scope.ts";
export type { Server } from "./server.ts";
export { type CallInfo, type CallSite, ServerCall } from "./server-call.ts";
export { createTimers, type ServerTimers, type Timers } from "./timers.ts";
