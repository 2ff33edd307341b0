import { createClient as createCaller } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { createServer, etcd as etcdDiscovery, type Server, silentLogger, type TlsOptions, tcp } from "nano-rpc";
import { createClient, next } from "nano-rpc/client";
import { tcp as overTcp } from "nano-rpc/client/tcp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import { RoomAdminRemote } from "../../examples/chat/gen/chat/v1/chat_nano.ts";
import { RoomAdminService, RoomService } from "../../examples/chat/gen/chat/v1/chat_pb.ts";
import { SessionEventsService } from "../../gen/nano/cluster/v1/session_pb.ts";
import { until } from "../net/recorder.ts";
import { type Authority, createAuthority } from "../server/certificates.ts";
import type { Child } from "../support/child.ts";
import { type Etcd, startEtcd } from "../support/etcd.ts";
import type { ForeignRoom } from "./foreign-room.ts";

const prefix = "/certified";
const patience = { timeoutMs: 30_000 };

/** A room that knows the others by certificates: --tls-cert, --tls-key, --tls-ca. */
export function testForeignCertificates({ language, missing, start }: ForeignRoom): void {
  describe.skipIf(missing !== undefined)(`a room in ${language} and a gate that know each other by certificates`, () => {
    let authority: Authority;
    let another: Authority;
    let etcd: Etcd;
    let gate: Server;
    let room: Child;

    beforeAll(async () => {
      authority = createAuthority({ "play-1": "URI:nano:type:play" });
      another = createAuthority();
      etcd = await startEtcd();
      gate = createServer({
        id: "gate-1",
        types: ["gate"],
        discovery: etcdDiscovery({ endpoints: [etcd.endpoint], prefix }),
        acceptors: [tcp({ port: 0, host: "127.0.0.1" })],
        cluster: { tls: authority.tls("gate") },
        log: silentLogger,
      });
      const { cert, key, ca } = authority.files("room-1");
      const flags = ["--id", "room-1", "--discovery", `etcd://${etcd.endpoint}`, "--prefix", prefix];
      room = start([...flags, "--tls-cert", cert, "--tls-key", key, "--tls-ca", ca]);
      await Promise.all([gate.start(), room.line((line) => line.startsWith("ready "), 60_000)]);
      await until(() => gate.servers().find(({ id }) => id === "room-1")?.state, 30_000).toBe("ready");
    }, 120_000);

    afterAll(async () => {
      await room?.end("SIGKILL");
      await gate?.stop({ graceMs: 100 });
      await etcd?.stop();
      await Promise.all([authority?.remove(), another?.remove()]);
    });

    /** Calls the room as whoever has that certificate. */
    function callers({ cert, key }: Partial<Pick<TlsOptions, "cert" | "key">>) {
      const address = gate.servers().find(({ id }) => id === "room-1")?.addresses[0];
      const nodeOptions = { cert, key, ca: authority.ca, servername: "nano.cluster" };
      const transport = createGrpcTransport({ baseUrl: `https://${address}`, nodeOptions });
      const [admin, chat, events] = [RoomAdminService, RoomService, SessionEventsService];
      return {
        admin: createCaller(admin, transport),
        chat: createCaller(chat, transport),
        events: createCaller(events, transport),
      };
    }

    test("join, say, hear, and its remote, all by TLS", async () => {
      const port = Number(gate.addresses["tcp"]?.split(":").at(-1));
      const client = createClient({ transport: overTcp({ host: "127.0.0.1", port }) });
      await client.connect();
      const ann = client.service(RoomClient);
      expect((await ann.join({ room: "lobby", name: "ann" })).members).toEqual(["ann"]);
      const said = next(ann.onSaid, patience);
      ann.say({ text: "hi" });
      expect(await said).toMatchObject({ name: "ann", text: "hi" });
      const { rooms } = await gate.remote(RoomAdminRemote).stats({}, patience);
      expect(rooms.map((one) => [one.room, one.members])).toEqual([["lobby", 1]]);
      await client.close();
    }, 60_000);

    test("who has no certificate, or one of another authority, is not answered", async () => {
      await expect(callers({}).admin.stats({}, patience)).rejects.toThrow();
      await expect(callers(another.tls("room-1")).admin.stats({}, patience)).rejects.toThrow();
      expect((await callers(authority.tls("play-1")).admin.stats({}, patience)).rooms).toBeDefined();
    }, 60_000);

    test("only a frontend's certificate hands on what clients say, and tells of ends", async () => {
      const { chat, events } = callers(authority.tls("play-1"));
      await expect(chat.join({ room: "lobby", name: "eve" }, patience)).rejects.toThrow("[permission_denied]");
      await expect(events.closed({ session: new Uint8Array(16) }, patience)).rejects.toThrow("[permission_denied]");
      await callers(authority.tls("gate")).events.closed({ session: new Uint8Array(16) }, patience);
    }, 60_000);
  });
}
