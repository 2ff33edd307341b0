import { implement } from "nano-rpc";
import { RoomAdminRemote } from "../../../examples/chat/gen/chat/v1/chat_nano.ts";

export const admin = implement(RoomAdminRemote, {
  stats: (_, { session }) => ({ rooms: [{ room: session.id }] }),
});
