import type { Cluster } from "nano-rpc";
import { RoomHandler } from "../../../examples/chat/gen/chat/v1/chat_nano.ts";

declare const cluster: Cluster;

await cluster.remote(RoomHandler).join({ room: "x" });
