import { createServer, memory, prometheus, type Server, type ServerOptions, silentLogger, tcp, webSocket } from "nano-rpc";
import { type Client, createClient } from "nano-rpc/client";
import { tcp as dial } from "nano-rpc/client/tcp";
import { expect } from "vitest";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import { RoomAdminRemote } from "../../examples/chat/gen/chat/v1/chat_nano.ts";
import { chatRooms } from "../../examples/chat/src/rooms.ts";
import { until } from "../net/recorder.ts";

/** A gate that holds the clients, and a server with the rooms: what one of them alone does not count, both do together. */
export interface ScrapedChat {
  readonly gate: Server;
  readonly room: Server;
  /** A client that is connected. */
  connect(): Promise<Client>;
  /** Ann joins the lobby; nobody joins without a name; rooms are counted, and by a server that is not there they are not. */
  play(): Promise<Client>;
}

/** @param ofGate What its gate has beside. */
export async function startChat(cleanups: (() => unknown)[], ofGate: ServerOptions = {}): Promise<ScrapedChat> {
  const discovery = memory();
  async function start(options: ServerOptions): Promise<Server> {
    const server = createServer({ discovery, log: silentLogger, http: {}, reporters: [prometheus()], watchdog: {}, ...options });
    await server.start();
    cleanups.push(() => server.stop({ graceMs: 0 }));
    return server;
  }
  const room = await start({ id: "room-1", services: chatRooms() });
  const gate = await start({ id: "gate-1", types: ["gate"], acceptors: [tcp({ port: 0 }), webSocket({ port: 0 })], ...ofGate });
  await until(() => gate.servers("room").length).toBe(1);

  async function connect(): Promise<Client> {
    const [host = "", port = ""] = (gate.addresses["tcp"] ?? "").split(":");
    const client = createClient({ transport: dial({ host, port: Number(port) }) });
    cleanups.push(() => client.close());
    await client.connect();
    return client;
  }

  return {
    gate,
    room,
    connect,
    async play() {
      const client = await connect();
      const lobby = client.service(RoomClient);
      await lobby.join({ room: "lobby", name: "ann" });
      await expect(lobby.join({ room: "lobby", name: "" })).rejects.toThrow("1 to 32");
      expect(await gate.remote(RoomAdminRemote).stats({})).toMatchObject({ rooms: [{ room: "lobby", members: 1 }] });
      await expect(gate.remote(RoomAdminRemote, { server: "room-9" }).stats({})).rejects.toMatchObject({ code: "unavailable" });
      return client;
    },
  };
}

/** The value of one series; NaN where it is not shown. */
export async function seriesOf(server: Server, series: string): Promise<number> {
  const line = (await scrape(server)).find((one) => one.startsWith(`${series} `));
  return Number(line?.slice(series.length + 1) ?? Number.NaN);
}

/** What a server shows, line by line. */
export async function scrape(server: Server): Promise<readonly string[]> {
  return (await (await fetch(`http://${server.addresses["http"]}/metrics`)).text()).split("\n");
}
