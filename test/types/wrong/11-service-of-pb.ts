import { implement } from "nano-rpc";
import { RoomService } from "../../../examples/chat/gen/chat/v1/chat_pb.ts";

export const room = implement(RoomService, { join: () => ({ members: [] }), say() {} });
