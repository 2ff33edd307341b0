import { execPath } from "node:process";
import { Etcd3 } from "etcd3";
import { createServer, etcd as etcdDiscovery, type Server, silentLogger, tcp as tcpAcceptor } from "nano-rpc";
import { type Client, createClient } from "nano-rpc/client";
import { tcp } from "nano-rpc/client/tcp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RoomClient } from "../schema/gen/rooms/v1/rooms_client.ts";
import { type Child, startChild } from "../support/child.ts";
import { type Etcd, startEtcd } from "../support/etcd.ts";

let etcd: Etcd;
const children = new Map<string, Child>();
const clients: Client[] = [];
const gates: Server[] = [];

// Shorter than by default: it is waited for.
const leaseMs = 4_000;

async function start(id: string): Promise<void> {
  const child = startChild(execPath, ["--conditions=nano-source", "test/router/room-server.ts", id, etcd.endpoint, `${leaseMs}`]);
  children.set(id, child);
  await child.line((text) => text === "ready", 60_000);
}

/** Somebody at a new gate, which asks one server first. */
async function atGate(id: string, first: string): Promise<RoomClient> {
  const gate = createServer({
    ...{ id, types: ["gate"], log: silentLogger },
    discovery: etcdDiscovery({ endpoints: [etcd.endpoint], prefix: "/rooms", leaseMs }),
    acceptors: [tcpAcceptor({ port: 0, host: "127.0.0.1" })],
    // Whoever asks in turn without a pause is no attacker here.
    limits: { messagesPerSecond: Number.POSITIVE_INFINITY },
    routers: { room: (_call, servers) => servers.find((one) => one.id === first) },
  });
  gates.push(gate);
  await gate.start();
  const [host = "", port] = gate.addresses["tcp"]?.split(":") ?? [];
  const client = createClient({ transport: tcp({ host, port: Number(port) }) });
  clients.push(client);
  await client.connect();
  return client.service(RoomClient);
}

/** Where a room is, or why that is not told. */
async function homeOf(room: string, from: RoomClient): Promise<string> {
  const answer = await from.enter({ room }).result();
  return answer.ok ? answer.value.server : answer.error.code;
}

let one: RoomClient;
let two: RoomClient;
let raw: Etcd3;

beforeAll(async () => {
  etcd = await startEtcd();
  raw = new Etcd3({ hosts: `http://${etcd.endpoint}` });
  await Promise.all(["room-1", "room-2", "room-3"].map(start));
  [one, two] = await Promise.all([atGate("gate-1", "room-1"), atGate("gate-2", "room-2")]);
}, 90_000);

afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await Promise.all(gates.map((gate) => gate.stop({ graceMs: 100 })));
  await Promise.all([...children.values()].map((child) => child.end("SIGKILL")));
  raw?.close();
  await etcd?.stop();
});

describe("owned keys in etcd", () => {
  const names = Array.from({ length: 30 }, (_, at) => `room/${at}`);

  test("have one home each, whoever asks whom at the same time", async () => {
    // A gate may not know yet a server that was ready a moment ago.
    await expect.poll(() => homeOf("1", one), { timeout: 10_000 }).toBe("room-1");
    await expect.poll(() => homeOf("2", two), { timeout: 10_000 }).toBe("room-2");
    // Each has some for certain.
    for (const [at, room] of names.slice(0, 10).entries()) await homeOf(room, at % 2 === 0 ? one : two);
    const [first, second] = await Promise.all([one, two].map((person) => Promise.all(names.map((room) => homeOf(room, person)))));
    expect(first).toEqual(second);
    for (const home of first ?? []) expect(home).toMatch(/^room-[12]$/);
    const claimed = await raw.getAll().prefix("/rooms/own/room/room/").keys();
    expect(claimed.sort()).toEqual(names.map((name) => `/rooms/own/room/${name}`).sort());
  });

  test("of a server that is killed have no home until its lease is over, then one new one; the others' stay", async () => {
    const before = new Map(await Promise.all(names.map(async (room) => [room, await homeOf(room, one)] as const)));
    const orphan = names.find((room) => before.get(room) === "room-1") ?? "";
    expect(orphan).not.toBe("");
    await children.get("room-1")?.end("SIGKILL");
    const killedMs = performance.now();
    // Two that go on asking, at two gates.
    const answers = await Promise.all(
      [one, two].map(async (person) => {
        const heard: string[] = [];
        while (heard.at(-1)?.startsWith("room-") !== true) {
          if (performance.now() - killedMs > 20_000) throw new Error(`no home: ${heard.join(" ")}`);
          heard.push(await homeOf(orphan, person));
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
        return { heard, tookMs: performance.now() - killedMs };
      }),
    );
    console.log(
      `an orphan had a home again after ${answers.map(({ tookMs }) => `${Math.round(tookMs)} ms`).join(", ")} (lease ${leaseMs} ms)`,
    );
    for (const { heard } of answers) expect(new Set(heard.slice(0, -1))).toEqual(new Set(["unavailable"]));
    const [home] = new Set(answers.map(({ heard }) => heard.at(-1)));
    expect(answers.map(({ heard }) => heard.at(-1))).toEqual([home, home]);
    expect(home).toMatch(/^room-[23]$/);
    for (const room of names) {
      const now = [await homeOf(room, one), await homeOf(room, two)];
      expect(now[0]).toBe(now[1]);
      if (before.get(room) === "room-2") expect(now[0]).toBe("room-2");
    }
  }, 60_000);

  test("of a server that is told to stop are handed over without a call that fails", async () => {
    const before = await Promise.all(names.map((room) => homeOf(room, one)));
    expect(before).toContain("room-2");
    let stopped = false;
    const failed: string[] = [];
    let asked = 0;
    const steady = [one, two].map(async (person) => {
      while (!stopped) {
        const homes = await Promise.all(names.map((room) => homeOf(room, person)));
        asked += homes.length;
        failed.push(...homes.filter((home) => !home.startsWith("room-")));
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    });
    const leaving = children.get("room-2");
    const released = names.filter((_, at) => before[at] === "room-2");
    const hooks = Promise.all(released.map((room) => leaving?.line((line) => line === `released ${room} drain`)));
    expect(await leaving?.end("SIGTERM")).toBe(0);
    await hooks;
    // Before, in the midst of it, and after.
    await expect.poll(() => asked, { timeout: 10_000 }).toBeGreaterThan(names.length * 4);
    stopped = true;
    await Promise.all(steady);
    expect(failed).toEqual([]);
    expect(new Set(await Promise.all(names.map((room) => homeOf(room, two))))).toEqual(new Set(["room-3"]));
  }, 60_000);

  test("whose lease is revoked are lost: the hook says so, and they can be claimed anew", async () => {
    expect(await homeOf("room/0", one)).toBe("room-3");
    const { kvs } = await raw.get("/rooms/own/room/room/0").exec();
    await raw.leaseClient.leaseRevoke({ ID: kvs[0]?.lease ?? 0 });
    await children.get("room-3")?.line((line) => line === "released room/0 lost", 10_000);
    await expect.poll(() => homeOf("room/0", one), { timeout: 5_000 }).toBe("room-3");
    expect((await one.enter({ room: "room/0" })).before).toBe(1);
  }, 60_000);
});
