import { serve, silentLogger } from "nano-rpc";
import { chatRooms } from "../../examples/chat/src/rooms.ts";

const server = await serve({ services: chatRooms(), log: silentLogger, limits: { messagesPerSecond: 20 } });
if (server) console.log(`ready ${JSON.stringify({ pid: process.pid, id: server.id, addresses: server.addresses })}`);
