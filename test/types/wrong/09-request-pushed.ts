import type { Session } from "nano-rpc";
import { RoomMethod } from "../../../examples/chat/gen/chat/v1/chat_nano.ts";

declare const session: Session;

session.push(RoomMethod.join, { members: [] });
