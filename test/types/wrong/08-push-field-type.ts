import type { Cluster } from "nano-rpc";
import { RoomPush } from "../../../examples/chat/gen/chat/v1/chat_nano.ts";

declare const cluster: Cluster;

cluster.group("x").push(RoomPush.said, { name: "a", text: 1 });
