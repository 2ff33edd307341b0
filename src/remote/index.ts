export { type Callers, type CallersOptions, createCallers } from "./callers.ts";
export { type ConnectOptions, createRemoteRoutes } from "./connect.ts";
export { createLinkCalls, type LinkCalls } from "./link-calls.ts";
export { createRemotes, type Remotes, type RemotesOptions } from "./remotes.ts";
