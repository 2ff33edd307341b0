import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, prometheus, type Server, silentLogger, tcp, webSocket } from "nano-rpc";
import type { Transport } from "nano-rpc/client";
import { tcp as byTcp } from "nano-rpc/client/tcp";
import { afterEach, beforeEach } from "vitest";
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

/** Such a server for each test of a file, and a folder for what bots write. */
export function botStage(): { readonly server: BotServer; readonly folder: string } {
  const stage = {} as { server: BotServer; folder: string };
  beforeEach(async () => {
    stage.server = await startBotServer();
    stage.folder = await mkdtemp(join(tmpdir(), "nano-bot-"));
  });
  afterEach(async () => {
    await stage.server.stop();
    await rm(stage.folder, { recursive: true, force: true });
  });
  return stage;
}
