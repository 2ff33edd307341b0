import { createServer, type Server, silentLogger, webSocket } from "nano-rpc";
import { chatRooms } from "../../examples/chat/src/rooms.ts";

/** The chat's rooms behind a real port, for bots. */
export interface BotServer {
  readonly url: string;
  stop(): Promise<void>;
}

export async function startBotServer(): Promise<BotServer> {
  const server: Server = createServer({
    ...{ id: "gate-1", log: silentLogger, services: chatRooms() },
    acceptors: [webSocket({ port: 0 })],
  });
  await server.start();
  return { url: `ws://${server.addresses["ws"]}`, stop: () => server.stop({ graceMs: 0 }) };
}
