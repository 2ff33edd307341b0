import type { Client } from "nano-rpc/client";
import { RoomClient } from "../../../examples/chat/gen/chat/v1/chat_client.ts";

declare const client: Client;

await client.service(RoomClient).join({ room: "x", nmae: "a" });
