export { createServer } from "./create-server.ts";
export type { ClusterOptions, ServerOptions } from "./server-options.ts";
