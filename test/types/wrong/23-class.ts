import { implement } from "nano-rpc";
import { RoomHandler } from "../../../examples/chat/gen/chat/v1/chat_nano.ts";

class Rooms {
  join(request: { rom: string }) {
    return { members: [request.rom] };
  }
  say() {}
}
export const room = implement(RoomHandler, new Rooms());
