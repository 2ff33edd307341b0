import { Code } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { WatchResponse } from "../../gen/etcd/api/etcdserverpb/rpc_pb.ts";
import { createVirtualClock, turn } from "../../src/clock/index.ts";
import { type EtcdLike, etcdLikes, startRegistryLike } from "./etcd-likes.ts";
import { openWatching, type Watching } from "./watching.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (one: Uint8Array | undefined): string => new TextDecoder().decode(one);
const everything = { key: new Uint8Array(1), rangeEnd: new Uint8Array(1) };

let store: EtcdLike;
let watching: Watching;

/** As "put a=1", and "put a=1 (was 0)" where that was asked for. */
function told({ events }: WatchResponse): string[] {
  return events.map(({ type, kv, prevKv }) => {
    const now = type === 0 ? `put ${text(kv?.key)}=${text(kv?.value)}` : `delete ${text(kv?.key)}`;
    return prevKv ? `${now} (was ${text(prevKv.value)})` : now;
  });
}

async function put(key: string, value = ""): Promise<bigint> {
  const { header } = await store.kv.put({ key: bytes(key), value: bytes(value) });
  return header?.revision ?? 0n;
}

/** What is told until there is so much of it. */
async function hear(count: number): Promise<string[]> {
  const heard: string[] = [];
  while (heard.length < count) heard.push(...told(await watching.next()));
  return heard;
}

describe.each(etcdLikes)("a stream of watches of %s", (_name, start) => {
  beforeEach(async () => {
    store = await start();
    watching = openWatching(store);
  });

  afterEach(async () => {
    watching.abort();
    await store.stop();
  });

  test("tells puts and deletions of one key, from now on", async () => {
    await put("a", "0");
    watching.ask({ case: "createRequest", value: { key: bytes("a") } });
    const created = await watching.next();
    expect(created).toMatchObject({ watchId: 0n, created: true, canceled: false, events: [] });
    expect(created.header?.revision).toBe(2n);
    await put("ab");
    const revision = await put("a", "1");
    const response = await watching.next();
    expect(told(response)).toEqual(["put a=1"]);
    expect(response.header?.revision).toBe(revision);
    expect(response.events[0]?.kv).toMatchObject({ createRevision: 2n, modRevision: revision, version: 2n });
    await store.kv.deleteRange({ key: bytes("a") });
    expect(await hear(1)).toEqual(["delete a"]);
  });

  test("tells what has happened since a revision, and goes on", async () => {
    await put("a", "1");
    const from = await put("a", "2");
    await put("b", "3");
    await store.kv.deleteRange(everything);
    watching.ask({ case: "createRequest", value: { ...everything, startRevision: from, prevKv: true } });
    expect((await watching.next()).created).toBe(true);
    expect(await hear(4)).toEqual(["put a=2 (was 1)", "put b=3", "delete a (was 2)", "delete b (was 3)"]);
    await put("c", "4");
    expect(await hear(1)).toEqual(["put c=4"]);
  });

  test("waits for a revision that is to come", async () => {
    const now = await put("a", "1");
    watching.ask({ case: "createRequest", value: { ...everything, startRevision: now + 2n } });
    await watching.next();
    await put("a", "2");
    await put("a", "3");
    expect(await hear(1)).toEqual(["put a=3"]);
  });

  test("has several, by ids that are picked or given, until each is canceled", async () => {
    watching.ask({ case: "createRequest", value: { key: bytes("a") } });
    watching.ask({ case: "createRequest", value: { key: bytes("b"), watchId: 7n } });
    watching.ask({ case: "createRequest", value: { key: bytes("c"), watchId: 7n } });
    watching.ask({ case: "createRequest", value: { key: bytes("b"), rangeEnd: bytes("a") } });
    watching.ask({ case: "createRequest", value: { key: bytes("c") } });
    const answers = [];
    for (let at = 0; at < 5; at++) answers.push(await watching.next());
    expect(answers.map(({ watchId, canceled, cancelReason }) => [watchId, canceled, cancelReason])).toEqual([
      [0n, false, ""],
      [7n, false, ""],
      [-1n, true, "mvcc: duplicate watch ID provided on the WatchStream"],
      [-1n, true, "mvcc: watcher range is empty"],
      [1n, false, ""],
    ]);
    await put("b", "1");
    expect(await watching.next()).toMatchObject({ watchId: 7n });
    watching.ask({ case: "cancelRequest", value: { watchId: 99n } });
    watching.ask({ case: "cancelRequest", value: { watchId: 7n } });
    expect(await watching.next()).toMatchObject({ watchId: 7n, canceled: true, compactRevision: 0n });
    await put("b", "2");
    await put("c", "3");
    const response = await watching.next();
    expect([response.watchId, ...told(response)]).toEqual([1n, "put c=3"]);
  });

  test("leaves out what is filtered", async () => {
    watching.ask({ case: "createRequest", value: { ...everything, filters: [0], watchId: 1n } });
    watching.ask({ case: "createRequest", value: { ...everything, filters: [1], watchId: 2n } });
    await watching.next();
    await watching.next();
    await put("a", "1");
    await store.kv.deleteRange({ key: bytes("a") });
    const responses = [await watching.next(), await watching.next()];
    expect(responses.map((one) => [one.watchId, ...told(one)]).sort()).toEqual([
      [1n, "delete a"],
      [2n, "put a=1"],
    ]);
  });

  test("a transaction is told at once", async () => {
    watching.ask({ case: "createRequest", value: everything });
    await watching.next();
    await store.kv.txn({
      success: ["a", "b"].map((key) => ({ request: { case: "requestPut", value: { key: bytes(key) } } })),
    });
    expect(told(await watching.next())).toEqual(["put a=", "put b="]);
  });

  test("cancels whoever asks for what was compacted", async () => {
    for (let at = 0; at < 4; at++) await put("a", `${at}`);
    await store.kv.compact({ revision: 4n });
    watching.ask({ case: "createRequest", value: { key: bytes("a"), startRevision: 2n } });
    expect(await watching.next()).toMatchObject({ created: true, canceled: false });
    expect(await watching.next()).toMatchObject({ canceled: true, created: false, compactRevision: 4n, watchId: 0n });
    watching.ask({ case: "createRequest", value: { key: bytes("a"), startRevision: 4n } });
    await watching.next();
    expect(await hear(2)).toEqual(["put a=2", "put a=3"]);
  });

  test("says how far it is, when asked", async () => {
    const revision = await put("a", "1");
    watching.ask({ case: "createRequest", value: { ...everything, startRevision: 1n } });
    await watching.next();
    expect(await hear(1)).toEqual(["put a=1"]);
    watching.ask({ case: "progressRequest", value: {} });
    const progress = await watching.next();
    expect(progress).toMatchObject({ watchId: -1n, events: [], created: false, canceled: false });
    expect(progress.header?.revision).toBe(revision);
  });

  test("tells that a lease has taken its keys away", async () => {
    watching.ask({ case: "createRequest", value: { ...everything, prevKv: true } });
    await watching.next();
    const { ID } = await store.lease.leaseGrant({ TTL: 60n });
    await store.kv.put({ key: bytes("b"), value: bytes("1"), lease: ID });
    await store.kv.put({ key: bytes("a"), value: bytes("2"), lease: ID });
    await hear(2);
    await store.lease.leaseRevoke({ ID });
    expect(told(await watching.next())).toEqual(["delete a (was 2)", "delete b (was 1)"]);
  });

  test("goes on for a client that has nothing more to ask", async () => {
    watching.ask({ case: "createRequest", value: everything });
    watching.finish();
    await watching.next();
    await put("a", "1");
    expect(await hear(1)).toEqual(["put a=1"]);
  });
});

describe("a stream of watches of the registry", () => {
  afterEach(async () => {
    watching.abort();
    await store.stop();
  });

  async function begin(...args: Parameters<typeof startRegistryLike>): Promise<void> {
    store = await startRegistryLike(...args);
    watching = openWatching(store);
  }

  test("tells a client that did not listen meanwhile all of it, in its order", async () => {
    await begin();
    watching.ask({ case: "createRequest", value: { key: bytes("a") } });
    await watching.next();
    // More than what lies in sockets and windows: 20 MB.
    const large = "x".repeat(1_000_000);
    for (let at = 0; at < 20; at++) await put("a", `${at} ${large}`);
    const heard = await hear(20);
    expect(heard.map((one) => one.slice(0, 8).split(" ")[1])).toEqual(Array.from({ length: 20 }, (_, at) => `a=${at}`));
  }, 60_000);

  test("cancels a client that is slower than its history is long", async () => {
    await begin({ historyBytes: 4_000_000 });
    watching.ask({ case: "createRequest", value: { key: bytes("a") } });
    await watching.next();
    const large = "x".repeat(1_000_000);
    for (let at = 0; at < 30; at++) await put("a", large);
    let last = await watching.next();
    while (!last.canceled) last = await watching.next();
    expect(last.compactRevision).toBeGreaterThan(25n);
  }, 60_000);

  test("splits what is large for whoever has asked for it", async () => {
    await begin();
    const large = "x".repeat(600_000);
    for (const key of ["a", "b", "c", "d"]) await put(key, large);
    watching.ask({ case: "createRequest", value: { ...everything, prevKv: true, fragment: true } });
    await watching.next();
    await store.kv.deleteRange(everything);
    const pieces = [];
    do pieces.push(await watching.next());
    while (pieces.at(-1)?.fragment);
    expect(pieces.map((one) => one.events.length)).toEqual([1, 1, 1, 1]);
    expect(pieces.flatMap(told).map((one) => one.slice(0, 8))).toEqual(["delete a", "delete b", "delete c", "delete d"]);
  });

  test("says that it is there only when all has been told that was before", async () => {
    await begin();
    const large = "x".repeat(900_000);
    for (let at = 0; at < 5; at++) await put("a", large);
    watching.ask({ case: "createRequest", value: { ...everything, startRevision: 1n } });
    watching.ask({ case: "progressRequest", value: {} });
    await watching.next();
    let told = 0;
    for (let response = await watching.next(); response.watchId === 0n; response = await watching.next())
      told += response.events.length;
    expect(told).toBe(5);
  });

  test("has no more watches than there may be, and those that end make room", async () => {
    await begin({ watches: 2 });
    const other = openWatching(store);
    other.ask({ case: "createRequest", value: everything });
    await other.next();
    for (let at = 0; at < 2; at++) watching.ask({ case: "createRequest", value: everything });
    expect(await watching.next()).toMatchObject({ watchId: 0n, canceled: false });
    expect(await watching.next()).toMatchObject({ watchId: -1n, canceled: true, cancelReason: "etcdserver: too many requests" });
    other.abort();
    const untilMs = performance.now() + 5_000;
    for (let canceled = true; canceled && performance.now() < untilMs; ) {
      watching.ask({ case: "createRequest", value: everything });
      ({ canceled } = await watching.next());
    }
    expect(performance.now()).toBeLessThan(untilMs);
  });

  test("says every 10 minutes how far it is to those who want to know and have heard nothing", async () => {
    const clock = createVirtualClock();
    await begin({}, clock);
    watching.ask({ case: "createRequest", value: { key: bytes("a"), progressNotify: true } });
    watching.ask({ case: "createRequest", value: { key: bytes("b") } });
    await watching.next();
    await watching.next();
    const revision = await put("other");
    clock.moveTo(600_000);
    const progress = await watching.next();
    expect(progress).toMatchObject({ watchId: 0n, events: [] });
    expect(progress.header?.revision).toBe(revision);
    await put("a", "1");
    expect(await hear(1)).toEqual(["put a=1"]);
    clock.moveTo(1_200_000);
    await turn();
    clock.moveTo(1_800_000);
    expect(await watching.next()).toMatchObject({ watchId: 0n, events: [] });
  });

  test("ends with the registry: not reachable", async () => {
    await begin();
    watching.ask({ case: "createRequest", value: everything });
    await watching.next();
    const ended = expect(watching.next()).rejects.toMatchObject({
      code: Code.Unavailable,
      rawMessage: "etcdserver: server stopped",
    });
    const closed = store.close();
    await ended;
    await store.stop();
    await closed;
  });

  test("bears a client that asks and asks and does not listen", async () => {
    await begin();
    watching.ask({ case: "createRequest", value: everything });
    await watching.next();
    for (let at = 0; at < 10_000; at++) watching.ask({ case: "progressRequest", value: {} });
    await put("a", "1");
    for (let heard: string[] = []; heard.length === 0; ) heard = told(await watching.next());
    watching.abort();
    await expect(watching.next()).rejects.toMatchObject({ code: Code.Canceled });
    expect(await store.kv.range({ key: bytes("a") })).toMatchObject({ count: 1n });
  });
});
