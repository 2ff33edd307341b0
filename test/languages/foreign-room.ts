import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import { createClient as createCaller } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { createServer, etcd as etcdDiscovery, type Server, silentLogger } from "nano-rpc";
import { type Client, createClient, next, webSocket } from "nano-rpc/client";
import { tcp } from "nano-rpc/client/tcp";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import { RoomAdminRemote } from "../../examples/chat/gen/chat/v1/chat_nano.ts";
import { RoomAdminService, RoomService } from "../../examples/chat/gen/chat/v1/chat_pb.ts";
import type { Ready } from "../../examples/chat/src/chat.ts";
import { until } from "../net/recorder.ts";
import { type Child, startChild } from "../support/child.ts";
import { type Etcd, startEtcd } from "../support/etcd.ts";

/** A server of the chat's rooms in another language. */
export interface ForeignRoom {
  readonly language: string;
  /** Why it cannot be run here; undefined where it can. */
  readonly missing: string | undefined;
  /** Starts one, with the flags of the chat: --id, --discovery, --prefix, --cluster, --token-file, and --report SECONDS. */
  start(flags: readonly string[]): Child;
}

const token = "a secret of the cluster, over 32 bytes";
const prefix = "/mixed";
const patience = { timeoutMs: 30_000 };

/** Rooms of both languages behind one gate, all of them real processes that find each other by a real etcd. */
export function testForeignRoom({ language, missing, start }: ForeignRoom): void {
  if (missing !== undefined) console.log(`the tests of the room in ${language} are left out: ${missing}`);
  describe.skipIf(missing !== undefined)(`rooms in TypeScript and ${language} in one cluster`, () => {
    let folder: string;
    let etcd: Etcd;
    let gate: Ready;
    /** A server of the test's own, to look around and to ask remotes. */
    let member: Server;
    const children = new Map<string, Child>();
    const clients: Client[] = [];
    let names = 0;

    async function enter(id: string, child: Child): Promise<Ready> {
      children.set(id, child);
      const line = await child.line((text) => text.startsWith("ready "), 60_000);
      return JSON.parse(line.slice("ready ".length)) as Ready;
    }

    const flags = (id: string, more: readonly string[] = []): string[] => [
      ...["--id", id, "--discovery", `etcd://${etcd.endpoint}`, "--prefix", prefix, "--cluster", "127.0.0.1:0"],
      ...["--token-file", join(folder, "token"), ...more],
    ];
    const startOurs = (id: string, roles: string, more: readonly string[] = []): Promise<Ready> =>
      enter(
        id,
        startChild(execPath, [
          "--conditions=nano-source",
          "examples/chat/src/main.ts",
          ...flags(id, ["--roles", roles, ...more]),
        ]),
      );
    const startTheirs = (id: string, more: readonly string[] = []): Promise<Ready> => enter(id, start(flags(id, more)));
    const stateOf = (id: string): string | undefined => member.servers().find((server) => server.id === id)?.state;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "nano-foreign-"));
      await writeFile(join(folder, "token"), token);
      etcd = await startEtcd();
      member = createServer({
        id: "member",
        types: ["member"],
        discovery: etcdDiscovery({ endpoints: [etcd.endpoint], prefix }),
        cluster: { tokens: [token] },
        log: silentLogger,
      });
      const [ready] = await Promise.all([
        startOurs("gate-1", "gate", ["--ws", "0", "--tcp", "0"]),
        startOurs("ours", "room"),
        startTheirs("theirs", ["--report", "1"]),
        member.start(),
      ]);
      gate = ready;
      await until(() => ["gate-1", "ours", "theirs"].map(stateOf), 30_000).toEqual(["ready", "ready", "ready"]);
    }, 120_000);

    afterEach(() => Promise.all(clients.splice(0).map((client) => client.close())));

    afterAll(async () => {
      await member?.stop();
      await Promise.all([...children.values()].map((child) => child.end("SIGKILL")));
      await etcd?.stop();
      await rm(folder, { recursive: true, force: true });
    });

    async function connect(over: "ws" | "tcp"): Promise<Client> {
      const transport = over === "ws" ? webSocket(`ws://127.0.0.1:${gate.ws}`) : tcp({ host: "127.0.0.1", port: gate.tcp ?? 0 });
      const client = createClient({ transport, encoding: over === "ws" ? "json" : "protobuf" });
      clients.push(client);
      await client.connect();
      return client;
    }

    interface Person {
      readonly client: Client;
      readonly room: RoomClient;
    }

    async function person(over: "ws" | "tcp"): Promise<Person> {
      const client = await connect(over);
      return { client, room: client.service(RoomClient) };
    }

    /** What a server's rooms are, by itself. */
    async function roomsOf(server: string): Promise<string[]> {
      const { rooms } = await member.remote(RoomAdminRemote, { server }).stats({}, patience);
      return rooms.map(({ room }) => room);
    }

    /** Somebody who is called ann in a room that has its home on this server. */
    async function annOn(server: string, over: "ws" | "tcp" = "ws"): Promise<Person & { readonly name: string }> {
      for (let tries = 0; tries < 100; tries++) {
        const ann = await person(over);
        const name = `room ${names++}`;
        const joined = async (): Promise<boolean> => (await ann.room.join({ room: name, name: "ann" }).result()).ok;
        await expect.poll(joined, { timeout: 30_000 }).toBe(true);
        if ((await roomsOf(server)).includes(name)) return { ...ann, name };
        await ann.client.close();
      }
      throw new Error(`no room of a hundred came to ${server}`);
    }

    for (const server of ["ours", "theirs"]) {
      for (const [over, other] of [["ws", "tcp"] as const, ["tcp", "ws"] as const]) {
        test(`${server}, ${over}: join, say, hear, leave`, async () => {
          const ann = await annOn(server, over);
          const bob = await person(other);
          const came = next(ann.room.onJoined, patience);
          const { members } = await bob.room.join({ room: ann.name, name: "bob" });
          expect([...members].sort()).toEqual(["ann", "bob"]);
          expect((await came).name).toBe("bob");
          const heard = Promise.all([next(ann.room.onSaid, patience), next(bob.room.onSaid, patience)]);
          ann.room.say({ text: "hi 😀" });
          for (const said of await heard) expect(said).toMatchObject({ name: "ann", text: "hi 😀" });
          const left = next(ann.room.onLeft, patience);
          await bob.client.close();
          expect((await left).name).toBe("bob");
          expect((await ann.room.join({ room: ann.name, name: "ann" })).members).toEqual(["ann"]);
        }, 60_000);
      }
    }

    test("a name is taken once, the same session may join again, and who has left has left its name", async () => {
      const ann = await annOn("theirs");
      const other = await person("tcp");
      const refused = await other.room.join({ room: ann.name, name: "ann" }).result();
      expect(refused.ok ? "joined" : [refused.error.code, refused.error.declared]).toEqual(["already_exists", true]);
      expect((await ann.room.join({ room: ann.name, name: "ann" })).members).toEqual(["ann"]);
      await other.room.join({ room: ann.name, name: "bob" });
      const left = next(other.room.onLeft, patience);
      await ann.client.close();
      await left;
      const again = await person("tcp");
      expect([...(await again.room.join({ room: ann.name, name: "ann" })).members].sort()).toEqual(["ann", "bob"]);
    }, 60_000);

    test("a session is in one room", async () => {
      const ann = await annOn("theirs");
      await expect(ann.room.join({ room: ann.name, name: "bob" })).rejects.toMatchObject({ code: "failed_precondition" });
      expect((await ann.room.join({ room: ann.name, name: "ann" })).members).toEqual(["ann"]);
    }, 60_000);

    test("names of no or too many characters are invalid_argument; 32 fit, whatever their bytes", async () => {
      const ann = await annOn("theirs");
      const bob = await person("ws");
      for (const name of ["", "n".repeat(33)]) {
        await expect(bob.room.join({ room: ann.name, name })).rejects.toMatchObject({ code: "invalid_argument" });
      }
      const long = "😀".repeat(32);
      expect((await bob.room.join({ room: ann.name, name: long })).members).toContain(long);
    }, 60_000);

    test("what one says is heard in order, by all", async () => {
      const ann = await annOn("theirs", "tcp");
      const bob = await person("ws");
      await bob.room.join({ room: ann.name, name: "bob" });
      const texts = Array.from({ length: 60 }, (_, at) => `line ${at}`);
      const heard: string[] = [];
      bob.room.onSaid(({ text }) => void heard.push(text));
      for (const text of texts) ann.room.say({ text });
      await until(() => heard.length, 30_000).toBe(texts.length);
      expect(heard).toEqual(texts);
    }, 60_000);

    test("servers of both languages ask each other", async () => {
      const [ann, ida] = [await annOn("theirs"), await annOn("ours")];
      const asked = await member.remoteAll(RoomAdminRemote).stats({}, patience);
      const counted = asked.map((one) => [one.server.id, one.ok && one.value.rooms.map(({ room, members }) => [room, members])]);
      expect(new Map(counted as [string, unknown][]).get("theirs")).toContainEqual([ann.name, 1]);
      // Theirs has asked ours, and says so.
      const line = children.get("theirs")?.line((text) => text.startsWith("rooms ") && text.includes(`"${ida.name}"`), 30_000);
      const report = JSON.parse((await line)?.slice("rooms ".length) ?? "") as Record<string, Record<string, number>>;
      expect([report["ours"]?.[ida.name], report["theirs"]?.[ann.name]]).toEqual([1, 1]);
    }, 60_000);

    test("without a token of the cluster nobody is answered", async () => {
      const address = member.servers().find(({ id }) => id === "theirs")?.addresses[0];
      const transport = createGrpcTransport({ baseUrl: `http://${address}` });
      for (const authorization of ["", "Bearer", `Bearer ${token}x`, `Basic ${token}`]) {
        const headers = authorization ? { authorization } : {};
        await expect(createCaller(RoomAdminService, transport).stats({}, { headers })).rejects.toThrow("[unauthenticated]");
        await expect(createCaller(RoomService, transport).join({ room: "r", name: "n" }, { headers })).rejects.toThrow(
          "[unauthenticated]",
        );
      }
      expect(
        (await createCaller(RoomAdminService, transport).stats({}, { headers: { authorization: `Bearer ${token}` } })).rooms,
      ).toBeDefined();
    }, 60_000);

    test("a server with another secret is nobody's", async () => {
      await writeFile(join(folder, "other"), "another secret of the same length, 32+");
      await enter("stranger", start([...flags("stranger"), "--token-file", join(folder, "other")]));
      await annOn("theirs");
      expect(stateOf("stranger")).toBeUndefined();
    }, 90_000);

    test("killed: its clients hear unavailable, and the others go on", async () => {
      await startTheirs("killed");
      await until(() => stateOf("killed"), 30_000).toBe("ready");
      const [ann, ida] = [await annOn("killed"), await annOn("ours")];
      await children.get("killed")?.end("SIGKILL");
      const failed = next(ann.client.onFailed, patience);
      ann.room.say({ text: "anybody?" });
      expect((await failed).code).toBe("unavailable");
      const said = next(ida.room.onSaid, patience);
      ida.room.say({ text: "here" });
      expect((await said).text).toBe("here");
    }, 90_000);

    test("SIGTERM: it drains, nothing of what is asked meanwhile is lost, its record goes at once, exit code 0", async () => {
      await startTheirs("leaving");
      await until(() => stateOf("leaving"), 30_000).toBe("ready");
      await annOn("leaving");
      let over = false;
      const outcomes: string[] = [];
      const asking = Array.from({ length: 4 }, async () => {
        while (!over) {
          const { client, room } = await person("tcp");
          const joined = await room.join({ room: `room ${names++}`, name: "bob" }).result();
          outcomes.push(joined.ok ? "joined" : joined.error.code);
          await client.close();
        }
      });
      await until(() => outcomes.length, 30_000).toBeGreaterThan(10);
      const ended = children.get("leaving")?.end("SIGTERM");
      await until(() => stateOf("leaving"), 30_000).toBe("draining");
      expect(await ended).toBe(0);
      // Long before its lease would be over.
      await until(() => stateOf("leaving"), 5_000).toBe(undefined);
      over = true;
      await Promise.all(asking);
      expect(new Set(outcomes)).toEqual(new Set(["joined"]));
    }, 120_000);
  });
}
