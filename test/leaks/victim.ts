// A gate and a room in one process, linked, that say what they hold when they are asked.
import { createServer, memory, sessionHooks, silentLogger, tcp, webSocket } from "nano-rpc";
import { ChatSessionSchema } from "../../examples/chat/gen/chat/v1/chat_pb.ts";
import { chatRooms } from "../../examples/chat/src/rooms.ts";
import { tidyHeap } from "../fuzz/engine/heap.ts";

/** What the process says. */
export type VictimWord =
  | { readonly what: "ready"; readonly addresses: Readonly<Record<string, string>> }
  | {
      readonly what: "held";
      readonly sessions: number;
      readonly opened: number;
      readonly resumed: number;
      readonly heapBytes: number;
    };

const none = Number.POSITIVE_INFINITY;
// How fast clients come is not what is tried here.
const limits = {
  ...{ connections: none, connectionsPerAddress: none, unauthenticated: none, handshakesPerSecond: none },
  ...{ heapShare: 1, loopDelayMs: none },
};
let sessions = 0;
let opened = 0;
const hooks = sessionHooks(ChatSessionSchema, {
  onOpen: () => {
    sessions++;
    opened++;
  },
  onClose: () => void sessions--,
});
const shared = { discovery: memory(), log: silentLogger, sessions: [hooks] };
const room = createServer({ ...shared, id: "room-1", services: chatRooms() });
const gate = createServer({
  ...{ ...shared, id: "gate-1", types: ["gate"], limits },
  acceptors: [tcp({ port: 0 }), webSocket({ port: 0 })],
});
await room.start();
await gate.start();

process.on("message", () => {
  const resumed = gate.counters.frontend?.resumes.resumed ?? 0;
  say({ what: "held", sessions, opened, resumed, heapBytes: tidyHeap() });
});
process.once("disconnect", () => process.exit(0));
say({ what: "ready", addresses: gate.addresses });

function say(word: VictimWord): void {
  process.send?.(word);
}
