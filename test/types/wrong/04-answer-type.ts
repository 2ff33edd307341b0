import { implement } from "nano-rpc";
import { RoomHandler } from "../../../examples/chat/gen/chat/v1/chat_nano.ts";

export const room = implement(RoomHandler, {
  async join({ name }) {
    return { members: name };
  },
  say() {},
});
