import { execPath } from "node:process";
import { createServer, etcd, type Server, silentLogger } from "nano-rpc";
import { type Client, createClient, next, webSocket } from "nano-rpc/client";
import { checkDiscovery } from "nano-rpc/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import { RoomPush } from "../../examples/chat/gen/chat/v1/chat_nano.ts";
import type { Ready } from "../../examples/chat/src/chat.ts";
import { startProxy } from "../discovery/proxy.ts";
import { type Child, startChild } from "../support/child.ts";
import { type RegistryProcess, startRegistryProcess } from "./nano-cli.ts";

let registry: RegistryProcess;
const children: Child[] = [];
const clients: Client[] = [];
const servers: Server[] = [];

beforeEach(async () => {
  registry = await startRegistryProcess();
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await Promise.all(servers.splice(0).map((server) => server.stop({ graceMs: 100 })));
  await Promise.all(children.splice(0).map((child) => child.end("SIGKILL")));
  await registry.child.end("SIGKILL");
});

function start(...args: string[]): Child {
  const child = startChild(execPath, ["--conditions=nano-source", ...args]);
  children.push(child);
  return child;
}

async function ready<T>(child: Child): Promise<T> {
  const line = await child.line((text) => text.startsWith("ready "));
  return JSON.parse(line.slice("ready ".length));
}

async function enter(url: string, name: string): Promise<{ readonly client: Client; readonly room: RoomClient }> {
  const client = createClient({ transport: webSocket(url), reconnect: false });
  clients.push(client);
  await client.connect();
  const room = client.service(RoomClient);
  // The gate may not know the room's server yet that was ready a moment ago.
  await expect.poll(async () => (await room.join({ room: "hall", name }).result()).ok, { timeout: 10_000 }).toBe(true);
  return { client, room };
}

describe("several processes over nano-cli registry", () => {
  test("discovery keeps its promises, as over etcd", async () => {
    const killable = await startProxy(registry.endpoint);
    const checked = checkDiscovery({
      create: (cluster, id) =>
        etcd({ endpoints: [id === "killed" ? killable.endpoint : registry.endpoint], prefix: `/${cluster}`, leaseMs: 2_000 }),
      kill: () => killable.cut(),
    });
    await checked.finally(() => killable.close());
  }, 60_000);

  test("the chat: a gate and a room", async () => {
    const role = (id: string, ...more: string[]): Child =>
      start("examples/chat/src/main.ts", "--id", id, "--discovery", `etcd://${registry.endpoint}`, ...more);
    const gate = role("gate-1", "--roles", "gate", "--ws", "0");
    await ready<Ready>(role("room-1", "--roles", "room"));
    const { ws } = await ready<Ready>(gate);
    const ann = await enter(`ws://127.0.0.1:${ws}`, "ann");
    const bob = await enter(`ws://127.0.0.1:${ws}`, "bob");
    const heard = next(ann.room.onSaid);
    bob.room.say({ text: "over the registry" });
    expect(await heard).toMatchObject({ name: "bob", text: "over the registry" });
  }, 60_000);

  test("users have one session, and their groups outlive it", async () => {
    const leaseMs = 4_000;
    const role = (id: string, kind: string): Child =>
      start("test/user/hall-server.ts", id, kind, registry.endpoint, `${leaseMs}`);
    const gates = [role("gate-1", "gate"), role("gate-2", "gate")].map((child) => ready<Record<string, string>>(child));
    await ready(role("room-1", "room"));
    const [one, two] = (await Promise.all(gates)).map((addresses) => `ws://${addresses["webSocket"] ?? addresses["ws"]}`);
    const discovery = etcd({ endpoints: [registry.endpoint], prefix: "/hall", leaseMs });
    const server = createServer({ id: "watch", types: ["watch"], discovery, log: silentLogger });
    servers.push(server);
    await server.start();

    const first = await enter(one ?? "", "ann");
    const guild = server.userGroup("guild/7", { ttlMs: 60_000 });
    expect(await guild.create()).toBe(true);
    await guild.add("ann", "eve");
    const second = await enter(two ?? "", "ann");
    await expect.poll(() => first.client.state).toMatchObject({ name: "closed", reason: { code: "replaced" } });
    expect(Object.fromEntries(await server.users("ann", "eve").locate())).toEqual({ ann: "gate-2" });
    const heard = next(second.room.onSaid);
    expect(await guild.push(RoomPush.said, { name: "guild", text: "rise" })).toEqual({ missed: ["eve"] });
    expect(await heard).toMatchObject({ text: "rise" });
    await second.client.close();
    await expect.poll(async () => Object.fromEntries(await server.users("ann").locate())).toEqual({});
    expect([...(await guild.members())].sort()).toEqual(["ann", "eve"]);
    await guild.delete();
    expect(await guild.count()).toBe(0);
  }, 60_000);

  test("a registry that was ended and started again, empty, knows everybody again", async () => {
    const watch = async (id: string): Promise<Server> => {
      const discovery = etcd({ endpoints: [registry.endpoint], prefix: "/again", leaseMs: 2_000 });
      const server = createServer({ id, types: ["watch"], discovery, log: silentLogger });
      servers.push(server);
      await server.start();
      return server;
    };
    const one = await watch("one");
    const port = registry.endpoint.split(":")[1] ?? "";
    expect(await registry.child.end("SIGTERM")).toBe(0);
    registry = await startRegistryProcess(port);
    await watch("two");
    await expect
      .poll(
        () =>
          one
            .servers()
            .map(({ id }) => id)
            .sort(),
        { timeout: 20_000 },
      )
      .toEqual(["one", "two"]);
  }, 60_000);
});
