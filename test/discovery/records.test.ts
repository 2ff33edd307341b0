import {
  createServer,
  type Discovery,
  etcd,
  type Logger,
  memory,
  NanoError,
  type Server,
  type ServerOptions,
  silentLogger,
} from "nano-rpc";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { openSockets, until } from "../net/recorder.ts";
import { WhoRemote } from "../schema/gen/play/v1/play_nano.ts";
import { playServices } from "../server/play.ts";
import { type Etcd, startEtcd } from "../support/etcd.ts";
import { startProxy } from "./proxy.ts";

let registry: Etcd;
const cleanups: (() => unknown)[] = [];

beforeAll(async () => {
  registry = await startEtcd();
});

afterAll(() => registry?.stop());

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  await until(openSockets).toBe(0);
});

async function start(id: string, discovery: Discovery, more: Partial<ServerOptions> = {}): Promise<Server> {
  const server = createServer({ id, types: ["hall"], discovery, log: silentLogger, ...more });
  cleanups.push(() => server.stop({ graceMs: 100 }));
  await server.start();
  return server;
}

const waiting = { timeout: 10_000, interval: 20 };

const found = (watcher: Server, id: string) => watcher.servers().find((server) => server.id === id);

const viaEtcd = (prefix: string, endpoint = registry.endpoint): Discovery =>
  etcd({ endpoints: [endpoint], prefix: `/${prefix}`, leaseMs: 60_000, callTimeoutMs: 1_000 });

describe.each<[string, () => (id: string) => Discovery]>([
  [
    "memory",
    () => {
      const discovery = memory();
      return () => discovery;
    },
  ],
  [
    "etcd",
    () => {
      const prefix = crypto.randomUUID();
      return () => viaEtcd(prefix);
    },
  ],
])("a server's record, by %s", (_name, create) => {
  test("version, address and metadata reach the others; so does what changes, and that it drains", async () => {
    const discovery = create();
    const watcher = await start("watcher", discovery("watcher"));
    const cluster = { listen: "127.0.0.1:0", advertise: "10.1.2.3:4000" };
    const hall = await start("hall", discovery("hall"), { version: "7.1", metadata: { map: "desert" }, cluster });
    await until(() => found(watcher, "hall")).toEqual(hall.info);
    expect(hall.info).toMatchObject({
      version: "7.1",
      addresses: ["10.1.2.3:4000"],
      state: "ready",
      metadata: { map: "desert" },
    });
    for (const map of ["forest", "sea", "moon"]) await hall.setMetadata({ map, players: "12" });
    await until(() => found(watcher, "hall")?.metadata).toEqual({ map: "moon", players: "12" });
    await hall.setMetadata({});
    await until(() => found(watcher, "hall")?.metadata).toEqual({});
    expect(hall.info.metadata).toEqual({});

    await hall.drain();
    await until(() => found(watcher, "hall")?.state).toBe("draining");
    await hall.stop();
    await until(() => found(watcher, "hall")).toBe(undefined);
  });

  test("metadata that is set before the start is there from the start", async () => {
    const discovery = create();
    const watcher = await start("watcher", discovery("watcher"));
    const hall = createServer({ id: "hall", discovery: discovery("hall"), log: silentLogger });
    cleanups.push(() => hall.stop({ graceMs: 100 }));
    await hall.setMetadata({ map: "desert" });
    await hall.start();
    await until(() => found(watcher, "hall")?.metadata).toEqual({ map: "desert" });
  });

  test("metadata that is too much is refused, and what was there stays", async () => {
    const discovery = create();
    const watcher = await start("watcher", discovery("watcher"));
    const hall = await start("hall", discovery("hall"), { metadata: { map: "desert" } });
    const refused = await hall.setMetadata({ map: "x".repeat(5_000) }).catch(NanoError.from);
    expect(refused).toMatchObject({ code: "invalid_argument" });
    expect(hall.info.metadata).toEqual({ map: "desert" });
    await hall.setMetadata({ ...hall.info.metadata, more: "1" });
    await until(() => found(watcher, "hall")?.metadata).toEqual({ map: "desert", more: "1" });
  });
});

test("metadata that is set while etcd is out of reach is told when it is back, and each failure is a line without a stack", async () => {
  const prefix = crypto.randomUUID();
  const proxy = await startProxy(registry.endpoint);
  cleanups.push(() => proxy.close());
  const watcher = await start("watcher", viaEtcd(prefix));
  const failures: object[] = [];
  const log: Logger = {
    ...silentLogger,
    level: "debug",
    debug: (fields, message) => void (message === "etcd is out of reach" && failures.push(fields)),
  };
  const hall = await start("hall", viaEtcd(prefix, proxy.endpoint), { log });
  proxy.cut();
  const refused = await hall.setMetadata({ map: "desert" }).then(() => undefined, NanoError.from);
  expect(["unavailable", "deadline_exceeded"]).toContain(refused?.code);
  expect(hall.info.metadata).toEqual({ map: "desert" });
  await until(() => failures.length, 20_000).toBeGreaterThan(0);
  expect(failures[0]).toEqual({ server: "hall", why: expect.stringMatching(/^etcd: [^\n]+$/), failures: 1 });
  proxy.heal();
  await until(() => found(watcher, "hall")?.metadata, 10_000).toEqual({ map: "desert" });
});

test("load rides on links: who is busy is known to all, and etcd hears nothing of it", async () => {
  const prefix = crypto.randomUUID();
  const never = (): Promise<void> => new Promise(() => {});
  const gates = [await start("gate-1", viaEtcd(prefix)), await start("gate-2", viaEtcd(prefix))] as const;
  for (const id of ["play-1", "play-2"]) await start(id, viaEtcd(prefix), { types: [], services: playServices(never).services });
  for (const gate of gates) await until(() => gate.servers("play").length).toBe(2);
  const who = gates[0].remote(WhoRemote);
  const askedTen = async (): Promise<string[]> =>
    (await Promise.all(Array.from({ length: 10 }, () => who.any({})))).map((one) => one.server);
  await expect.poll(async () => new Set(await askedTen()).size, waiting).toBe(2);

  const before = await registry.calls("Txn");
  // The other gate makes one of them busy.
  const leaving = new AbortController();
  cleanups.push(() => leaving.abort());
  for (let at = 0; at < 200; at++) {
    void gates[1]
      .remote(WhoRemote, { server: "play-1" })
      .break({ how: "never" }, { signal: leaving.signal, timeoutMs: 60_000 })
      .result();
  }
  await expect.poll(async () => [...new Set(await askedTen())], waiting).toEqual(["play-2"]);
  leaving.abort();
  await expect.poll(async () => new Set(await askedTen()).size, waiting).toBe(2);
  expect(await registry.calls("Txn")).toBe(before);
});
