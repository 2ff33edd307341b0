export type { Discovery, DiscoveryEvents, DiscoveryHost, Membership, ServerInfo, ServerState } from "./discovery.ts";
