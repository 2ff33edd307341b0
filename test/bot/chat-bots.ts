import { createServer, prometheus, type Server, silentLogger, tcp, webSocket } from "nano-rpc";
import type { Transport } from "nano-rpc/client";
import { tcp as byTcp } from "nano-rpc/client/tcp";
import { chatRooms } from "../../examples/chat/src/rooms.ts";

/** The chat's rooms behind a real port, for bots. */
export interface BotServer {
  readonly url: string;
  /** The same rooms over TCP. */
  readonly tcp: Transport;
  readonly tcpUrl: string;
  /** Where it shows itself to Prometheus. */
  readonly metrics: string;
  stop(): Promise<void>;
}

export async function startBotServer(): Promise<BotServer> {
  const server: Server = createServer({
    ...{ id: "gate-1", log: silentLogger, services: chatRooms() },
    acceptors: [webSocket({ port: 0 }), tcp({ port: 0 })],
    ...{ http: { listen: "127.0.0.1:0" }, reporters: [prometheus()], reflection: true },
  });
  await server.start();
  const { ws, tcp: at = "", http } = server.addresses;
  const port = Number(at.slice(at.lastIndexOf(":") + 1));
  const way = { url: `ws://${ws}`, tcp: byTcp({ host: "127.0.0.1", port }), tcpUrl: `tcp://${at}` };
  return { ...way, metrics: `http://${http}/metrics`, stop: () => server.stop({ graceMs: 0 }) };
}
