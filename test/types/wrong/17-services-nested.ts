import { createServer, implement } from "nano-rpc";
import { RoomAdminRemote } from "../../../examples/chat/gen/chat/v1/chat_nano.ts";

createServer({ services: [[implement(RoomAdminRemote, { stats: () => ({}) })]] });
