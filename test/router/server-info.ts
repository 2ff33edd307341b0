import type { ServerInfo } from "../../src/discovery/index.ts";

/** A server as the cluster knows it: ready, of type "play", unless it is said otherwise. */
export function serverInfo(id: string, more: Partial<ServerInfo> = {}): ServerInfo {
  return {
    id,
    incarnation: BigInt(id.charCodeAt(0)),
    types: ["play"],
    version: "",
    frontend: false,
    addresses: [],
    state: "ready",
    protocol: 1,
    schema: "",
    metadata: {},
    ...more,
  };
}
