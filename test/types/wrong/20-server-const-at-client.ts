import type { Client } from "nano-rpc/client";
import { RoomHandler } from "../../../examples/chat/gen/chat/v1/chat_nano.ts";

declare const client: Client;

const room = client.service(RoomHandler);
await room.join({ room: "x" });
