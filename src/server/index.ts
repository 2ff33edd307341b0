export { createServer } from "./create-server.ts";
export type { HttpOptions } from "./endpoint.ts";
export type { ClusterOptions, ServerOptions, UserOptions } from "./server-options.ts";
export type { StopSignal } from "./signals.ts";
