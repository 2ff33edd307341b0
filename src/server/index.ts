export { createServer } from "./create-server.ts";
export type { ClusterOptions, ServerOptions, UserOptions } from "./server-options.ts";
