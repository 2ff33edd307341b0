import type { Cluster } from "nano-rpc";
import { RoomAdminRemote } from "../../../examples/chat/gen/chat/v1/chat_nano.ts";

declare const cluster: Cluster;

await cluster.remote(RoomAdminRemote).stat({});
