import { Etcd3 } from "etcd3";
import { createServer, etcd, type Logger, type Server, silentLogger } from "nano-rpc";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { createRecordSeal, encodeRecord, type ServerInfo } from "../../src/discovery/index.ts";
import { until } from "../net/recorder.ts";
import { WhoRemote } from "../schema/gen/play/v1/play_nano.ts";
import { playServices } from "../server/play.ts";
import { type Etcd, startEtcd } from "../support/etcd.ts";
import { info } from "./member.ts";

const token = "a secret of the cluster, over 32 bytes";
const next = "the next secret, which is 32 bytes too";
const foreign = "the secret of somebody else's cluster!";

let registry: Etcd;
let raw: Etcd3;
let prefix: string;
const cleanups: (() => unknown)[] = [];

beforeAll(async () => {
  registry = await startEtcd();
  raw = new Etcd3({ hosts: registry.endpoint });
});

afterAll(async () => {
  raw.close();
  await registry.stop();
});

beforeEach(() => {
  prefix = `/${crypto.randomUUID()}`;
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(id: string, tokens: readonly string[], log: Logger = silentLogger): Promise<Server> {
  const { services } = playServices(() => Promise.resolve());
  const discovery = etcd({ endpoints: [registry.endpoint], prefix });
  const server = createServer({ id, discovery, services, cluster: { tokens }, log });
  cleanups.push(() => server.stop({ graceMs: 100 }));
  await server.start();
  return server;
}

const keyOf = (id: string, type = "play"): string => `${prefix}/servers/${type}/${id}`;
const ids = (server: Server): string[] => server.servers().map(({ id }) => id);
const put = (key: string, value: string): PromiseLike<unknown> => raw.put(key).value(value).exec();
const ghost = (id: string, more: Partial<ServerInfo> = {}): ServerInfo => info(id, { types: ["play"], ...more });

/** What a stranger would have others take for a server. */
function forged(id: string): string {
  return encodeRecord(ghost(id), "play");
}

test("servers of one token find each other, also while another takes its place", async () => {
  const one = await start("play-1", [token]);
  const two = await start("play-2", [next, token]);
  const three = await start("play-3", [token, next]);
  for (const server of [one, two, three])
    await until(() => ids(server), 10_000).toEqual(
      ["play-1", "play-3", "play-2"].sort().filter((id) => server !== one || id !== "play-2"),
    );
  expect(one.counters.cluster?.recordsRefused.signature).toBeGreaterThan(0);
  for (const asked of ["play-1", "play-2"])
    expect(await three.remote(WhoRemote, { server: asked }).any({})).toMatchObject({ server: asked });
});

test("what strangers write is ignored, logged once a key, and counted by reason; those that are there stay", async () => {
  const lines: { readonly key: string; readonly why: string }[] = [];
  const log: Logger = {
    ...silentLogger,
    warn(fields) {
      if ("key" in fields && "why" in fields) lines.push({ key: String(fields.key), why: String(fields.why) });
    },
  };
  const watcher = await start("play-1", [token], log);
  const honest = await start("play-2", [token]);
  await until(() => ids(watcher), 10_000).toEqual(["play-1", "play-2"]);
  const seal = createRecordSeal([token]);
  const signed = (await raw.get(keyOf("play-2")).string()) ?? "";
  const values: Readonly<Record<string, readonly [key: string, value: string]>> = {
    unsigned: [keyOf("a"), forged("a")],
    signature: [keyOf("b"), createRecordSeal([foreign]).sign(keyOf("b"), forged("b"))],
    // Signed by a server, and carried to where it is not.
    "signature of another place": [keyOf("c"), signed],
    "signature of another type": [keyOf("play-2", "gate"), signed],
    // Signed by a server of the cluster for a place that is not its own.
    place: [keyOf("d"), seal.sign(keyOf("d"), forged("e"))],
    "place of another type": [keyOf("f", "gate"), seal.sign(keyOf("f", "gate"), forged("f"))],
    format: [keyOf("g"), seal.sign(keyOf("g"), '{"id":"g"}')],
  };
  for (const [key, value] of [...Object.values(values), ...Object.values(values)]) await put(key, value);
  await until(() => ({ ...watcher.counters.cluster?.recordsRefused })).toEqual({
    unsigned: 2,
    signature: 6,
    place: 4,
    format: 2,
  });
  expect(ids(watcher)).toEqual(["play-1", "play-2"]);
  const told = Object.entries(values).map(([why, [key]]) => ({ key, why: why.split(" ")[0] }));
  expect(lines).toEqual(told);
  expect(await watcher.remote(WhoRemote, { server: "play-2" }).any({})).toMatchObject({ server: "play-2" });
  expect(honest.readiness.ready).toBe(true);
});

test("a record that is altered where it lies is put right, and its server is there all the time", async () => {
  const watcher = await start("play-1", [token]);
  const honest = await start("play-2", [token]);
  await until(() => ids(watcher), 10_000).toEqual(["play-1", "play-2"]);
  const key = keyOf("play-2");
  const value = (await raw.get(key).string()) ?? "";
  const altered = [
    value.replace('"id":"play-2"', '"id":"play-2","frontend":true'),
    value.replace("STATE_READY", "STATE_DRAINING"),
    value.replace(/127\.0\.0\.1/, "10.9.9.9"),
    forged("play-2"),
  ];
  let gone = 0;
  for (const other of altered) {
    expect(other).not.toBe(value);
    await put(key, other);
    await vi.waitFor(
      async () => {
        if (!ids(watcher).includes("play-2")) gone++;
        expect(await watcher.remote(WhoRemote, { server: "play-2" }).any({})).toMatchObject({ server: "play-2" });
        expect(await raw.get(key).string()).toBe(value);
      },
      { timeout: 10_000, interval: 20 },
    );
  }
  expect(gone).toBe(0);
  expect(honest.readiness).toMatchObject({ state: "ready" });
  expect(watcher.servers("play").find(({ id }) => id === "play-2")).toEqual(honest.info);
});

test("nobody without the token takes a server's id", async () => {
  const server = await start("play-1", [token]);
  await put(keyOf("play-1"), forged("play-1"));
  await vi.waitFor(async () => expect(await raw.get(keyOf("play-1")).string()).toMatch(/"signature":/), { timeout: 10_000 });
  await put(keyOf("play-1", "hall"), forged("play-1"));
  await until(() => server.counters.cluster?.recordsRefused.unsigned).toBeGreaterThan(1);
  expect(server.readiness.state).toBe("ready");
});

test("a schema that somebody else has put under its hash is put right by the next server that brings it", async () => {
  const first = await start("play-1", [token]);
  const key = `${prefix}/schemas/${first.info.schema}`;
  const schema = await raw.get(key).buffer();
  await first.stop({ graceMs: 100 });
  await put(key, "no schema");
  const second = await start("play-2", [token]);
  expect(await raw.get(key).buffer()).toEqual(schema);
  const caller = await start("play-3", [token]);
  await until(() => ids(caller), 10_000).toEqual(["play-2", "play-3"]);
  expect(await caller.remote(WhoRemote, { server: "play-2" }).any({})).toMatchObject({ server: "play-2" });
  expect(second.info.schema).toBe(first.info.schema);
});

test("without a token nothing is signed, and a record that is signed is as good as any", async () => {
  const server = await start("play-1", []);
  expect(await raw.get(keyOf("play-1")).string()).toBe(encodeRecord(server.info, "play"));
  await put(keyOf("a"), createRecordSeal([token]).sign(keyOf("a"), forged("a")));
  await until(() => ids(server)).toEqual(["a", "play-1"]);
});
