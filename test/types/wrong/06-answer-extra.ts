import { implement } from "nano-rpc";
import { RoomHandler } from "../../../examples/chat/gen/chat/v1/chat_nano.ts";

// Known limit: TypeScript does not look for more in a literal that an async function returns, so nothing is said.
export const room = implement(RoomHandler, {
  async join() {
    return { members: [], extra: 1 };
  },
  say() {},
});
