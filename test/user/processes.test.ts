import { execPath } from "node:process";
import { createServer, etcd as etcdDiscovery, type Server, silentLogger } from "nano-rpc";
import { type Client, createClient, webSocket } from "nano-rpc/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import { RoomPush } from "../../examples/chat/gen/chat/v1/chat_nano.ts";
import { type Child, startChild } from "../support/child.ts";
import { type Etcd, startEtcd } from "../support/etcd.ts";

let etcd: Etcd;
let watch: Server;
const children: Child[] = [];
const clients: Client[] = [];
const gates = new Map<string, { readonly child: Child; readonly url: string }>();

// Shorter than by default: it is waited for.
const leaseMs = 4_000;

async function start(id: string, role: "gate" | "room"): Promise<{ child: Child; url: string }> {
  const program = ["--conditions=nano-source", "test/user/hall-server.ts"];
  const child = startChild(execPath, [...program, id, role, etcd.endpoint, `${leaseMs}`]);
  children.push(child);
  const line = await child.line((text) => text.startsWith("ready "));
  const addresses: Record<string, string> = JSON.parse(line.slice("ready ".length));
  return { child, url: `ws://${addresses["webSocket"] ?? addresses["ws"]}` };
}

/** A server of this process that can be asked. */
async function asker(id: string): Promise<Server> {
  const discovery = etcdDiscovery({ endpoints: [etcd.endpoint], prefix: "/hall", leaseMs });
  const server = createServer({ id, types: ["watch"], discovery, log: silentLogger });
  await server.start();
  return server;
}

beforeAll(async () => {
  etcd = await startEtcd();
  for (const id of ["gate-1", "gate-2"]) gates.set(id, await start(id, "gate"));
  await start("room-1", "room");
  watch = await asker("watch-1");
}, 60_000);

afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await watch?.stop({ graceMs: 100 });
  await Promise.all(children.map((child) => child.end("SIGKILL")));
  await etcd?.stop();
});

interface Guest {
  readonly client: Client;
  readonly heard: readonly string[];
  /** What became of the user's session before. */
  readonly former: string | undefined;
}

/** Comes in at a gate, as a user. */
async function enter(gate: string, user: string): Promise<Guest> {
  const client = createClient({ transport: webSocket(gates.get(gate)?.url ?? ""), reconnect: false });
  clients.push(client);
  await client.connect();
  const room = client.service(RoomClient);
  const heard: string[] = [];
  room.onSaid(({ text }) => void heard.push(text));
  let former: string | undefined;
  // The gate may not know the room's server yet that was ready a moment ago.
  await expect
    .poll(
      async () => {
        const joined = await room.join({ room: "hall", name: user }).result();
        if (joined.ok) [former] = joined.value.members;
        return joined;
      },
      { timeout: 10_000 },
    )
    .toMatchObject({ ok: true });
  return { client, heard, former };
}

const where = async (...users: string[]): Promise<unknown> => Object.fromEntries(await watch.users(...users).locate());

describe("users of several processes, with etcd", () => {
  test("are reached, and have one session, whichever process they come to", async () => {
    const first = await enter("gate-1", "ann");
    expect(await where("ann", "eve")).toEqual({ ann: "gate-1" });
    const second = await enter("gate-2", "ann");
    expect([first.former, second.former]).toEqual(["none", "ended"]);
    await expect.poll(() => first.client.state).toMatchObject({ name: "closed", reason: { code: "replaced" } });
    expect(await where("ann")).toEqual({ ann: "gate-2" });
    expect(await watch.users("ann", "eve").push(RoomPush.said, { name: "watch", text: "hello" })).toEqual({ missed: ["eve"] });
    await expect.poll(() => second.heard).toEqual(["hello"]);
    expect(await watch.users("ann").kick({ code: "aborted", reason: "enough" })).toEqual({ missed: [] });
    await expect.poll(() => second.client.state).toMatchObject({ name: "closed", reason: { code: "aborted" } });
    await expect.poll(() => where("ann")).toEqual({});
  }, 30_000);

  test("many that come at once are all found", async () => {
    const names = Array.from({ length: 120 }, (_, at) => `many-${at}`);
    const guests = await Promise.all(names.map((name, at) => enter(`gate-${(at % 2) + 1}`, name)));
    expect(Object.keys(Object(await where(...names))).sort()).toEqual([...names].sort());
    expect(await watch.users(...names).push(RoomPush.said, { name: "watch", text: "all" })).toEqual({ missed: [] });
    await Promise.all(guests.map(({ heard }) => expect.poll(() => heard).toEqual(["all"])));
    await Promise.all(guests.map(({ client }) => client.close()));
    await expect.poll(() => where(...names), { timeout: 5_000 }).toEqual({});
  }, 60_000);

  test("an etcd that comes back empty learns anew who is where; nobody was ended", async () => {
    const [ann, bob] = [await enter("gate-1", "ann"), await enter("gate-2", "bob")];
    await etcd.kill();
    await etcd.restart({ empty: true });
    // Asked of a server that never knew.
    const other = await asker("watch-2");
    try {
      await expect
        .poll(async () => Object.fromEntries(await other.users("ann", "bob").locate()), { timeout: 20_000, interval: 200 })
        .toEqual({ ann: "gate-1", bob: "gate-2" });
      expect([ann.client.state.name, bob.client.state.name]).toEqual(["open", "open"]);
    } finally {
      await other.stop({ graceMs: 100 });
    }
    await Promise.all([ann.client.close(), bob.client.close()]);
  }, 60_000);

  test("kill -9 of a frontend: its users come in elsewhere at once, and its bindings are gone with its lease", async () => {
    for (const name of ["ann", "bob"]) await enter("gate-1", name);
    expect(await where("ann", "bob")).toEqual({ ann: "gate-1", bob: "gate-1" });
    const killedAt = performance.now();
    await gates.get("gate-1")?.child.end("SIGKILL");
    const ann = await enter("gate-2", "ann");
    expect(ann.former).toBe("timed_out");
    expect(performance.now() - killedAt).toBeLessThan(2_000);
    expect(await where("ann")).toEqual({ ann: "gate-2" });
    const reader = await asker("watch-3");
    try {
      await expect
        .poll(async () => Object.fromEntries(await reader.users("ann", "bob").locate()), { timeout: 15_000 })
        .toEqual({ ann: "gate-2" });
    } finally {
      await reader.stop({ graceMs: 100 });
    }
    expect(performance.now() - killedAt).toBeLessThan(leaseMs + 2_000);
  }, 60_000);
});
