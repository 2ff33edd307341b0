import { Etcd3 } from "etcd3";
import { createServer, type Server, silentLogger } from "nano-rpc";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { chatRooms } from "../../examples/chat/src/rooms.ts";
import { type EtcdOptions, encodeRecord, etcd, type ServerInfo } from "../../src/discovery/index.ts";
import { openSockets, until } from "../net/recorder.ts";
import { type Etcd, startEtcd } from "../support/etcd.ts";
import { freePort } from "../support/port.ts";
import { info, join, type Member } from "./member.ts";
import { startProxy } from "./proxy.ts";

// The shortest lease that etcd grants.
const leaseMs = 2_000;
const callTimeoutMs = 1_000;
const prefix = "/faults";

let registry: Etcd;
let raw: Etcd3;
const members: Member[] = [];
const cleanups: (() => unknown)[] = [];

beforeEach(async () => {
  registry = await startEtcd();
  raw = new Etcd3({ hosts: `http://${registry.endpoint}` });
});

afterEach(async () => {
  registry.child.process.kill("SIGCONT");
  await Promise.all(members.splice(0).map(({ membership }) => membership.leave()));
  for (const cleanup of cleanups.splice(0)) await cleanup();
  raw.close();
  await registry.stop();
  await until(openSockets).toBe(0);
});

async function enter(self: ServerInfo, options: Partial<EtcdOptions> = {}): Promise<Member> {
  const discovery = etcd({ endpoints: [registry.endpoint], prefix, leaseMs, callTimeoutMs, ...options });
  const member = await join(discovery, self);
  members.push(member);
  return member;
}

const keyOf = ({ id, types }: ServerInfo): string => `${prefix}/servers/${types[0]}/${id}`;

/** The record of a server that nobody is behind, under a lease of its own. */
async function ghost(self: ServerInfo): Promise<void> {
  const { ID: lease } = await raw.leaseClient.leaseGrant({ TTL: leaseMs / 1_000, ID: 0 });
  await raw
    .put(keyOf(self))
    .lease(lease)
    .value(encodeRecord(self, self.types[0] ?? ""))
    .exec();
}

/** Whether somebody who once knew a server knew it ever after. */
function neverLost(member: Member, other: string): boolean {
  const saw = member.lists.map((list) => list.some(({ id }) => id === other));
  return !saw.slice(saw.indexOf(true)).includes(false);
}

async function leases(): Promise<number> {
  return (await raw.leaseClient.leaseLeases()).leases.length;
}

/** How long something takes, in milliseconds. */
async function timed(promise: Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await promise.catch(() => {});
  return performance.now() - startedAt;
}

describe("etcd away", () => {
  test("killed and back on its data: what was known stays known, then the list is true again", async () => {
    const watcher = await enter(info("watcher"));
    const room = await enter(info("room"));
    await ghost(info("ghost"));
    await until(() => watcher.ids).toEqual(["ghost", "room", "watcher"]);

    await registry.kill();
    const killedAt = performance.now();
    await until(() => [...watcher.availability, ...room.availability], 10_000).toEqual([false, false]);
    // Longer than a lease, and yet nobody is forgotten.
    await until(() => performance.now() - killedAt, 10_000).toBeGreaterThan(1.5 * leaseMs);
    expect(watcher.ids).toEqual(["ghost", "room", "watcher"]);
    const update = room.membership.update({ ...room.self, version: "while away" });
    expect(await timed(update)).toBeLessThan(callTimeoutMs + 1_000);

    await registry.restart();
    const late = await enter(info("late"));
    await until(() => watcher.find("room")?.version, 10_000).toBe("while away");
    await until(() => watcher.ids, 10_000).toEqual(["late", "room", "watcher"]);
    await until(() => late.ids).toEqual(["late", "room", "watcher"]);
    expect([watcher.availability, room.availability]).toEqual([
      [false, true],
      [false, true],
    ]);
    expect([...watcher.fences, ...room.fences]).toEqual([]);
    // It was there all along.
    expect(neverLost(watcher, "room")).toBe(true);
  });

  test("back with nothing: all register anew, under the incarnations they had", async () => {
    const one = await enter(info("one"));
    const two = await enter(info("two"));
    await raw.put("/noise").value("x").exec();
    await registry.kill();
    await registry.restart({ empty: true });
    const three = await enter(info("three"));
    for (const member of [one, two, three]) await until(() => member.ids, 10_000).toEqual(["one", "three", "two"]);
    // Whoever knew the other never saw it gone.
    expect([neverLost(one, "two"), neverLost(two, "one")]).toEqual([true, true]);
    expect(three.find("one")?.incarnation).toBe(one.self.incarnation);
    expect([...one.fences, ...two.fences]).toEqual([]);
    // What changes now is seen: the watch does not wait for a revision of before.
    await two.membership.update({ ...two.self, version: "new" });
    await until(() => one.find("two")?.version).toBe("new");
  });

  test("frozen: every call is bounded, nobody is forgotten, and it goes on when etcd does", async () => {
    const watcher = await enter(info("watcher"));
    const room = await enter(info("room"));
    const leaver = await enter(info("leaver"));
    await until(() => watcher.ids).toEqual(["leaver", "room", "watcher"]);
    registry.child.process.kill("SIGSTOP");

    const [updating, leaving, asking] = await Promise.all([
      timed(room.membership.update({ ...room.self, version: "frozen" })),
      timed(leaver.membership.leave()),
      timed(watcher.membership.schema("cafe")),
    ]);
    expect(updating).toBeLessThan(callTimeoutMs + 1_000);
    expect(leaving).toBeLessThan(callTimeoutMs + 1_000);
    expect(asking).toBeLessThan(4 * callTimeoutMs + 4_000);
    expect(leaver.warnings.map(({ message }) => message)).toEqual(["the record stays until its lease is over"]);
    await until(() => [...watcher.availability, ...room.availability], 10_000).toEqual([false, false]);
    expect(watcher.ids).toEqual(["leaver", "room", "watcher"]);

    registry.child.process.kill("SIGCONT");
    await until(() => [watcher.availability.at(-1), room.availability.at(-1)], 10_000).toEqual([true, true]);
    await until(() => watcher.find("room")?.version, 10_000).toBe("frozen");
    await until(() => watcher.ids, 10_000).toEqual(["room", "watcher"]);
    expect([...watcher.fences, ...room.fences]).toEqual([]);
    // Its lease was over when etcd woke, and yet nobody took it for gone.
    expect(neverLost(watcher, "room")).toBe(true);
  });

  test("frozen for longer than a lease: who died meanwhile is known to be gone, a moment after it is back", async () => {
    const watcher = await enter(info("watcher"));
    await ghost(info("ghost"));
    await until(() => watcher.ids).toEqual(["ghost", "watcher"]);
    registry.child.process.kill("SIGSTOP");
    await until(() => watcher.availability, 10_000).toEqual([false]);
    registry.child.process.kill("SIGCONT");
    const backAt = performance.now();
    await until(() => watcher.ids, 10_000).toEqual(["watcher"]);
    expect(performance.now() - backAt).toBeGreaterThan(2_500);
  });

  test("whoever starts without it is told where it was looked for, within 10 s", async () => {
    const nowhere = `127.0.0.1:${await freePort()}`;
    registry.child.process.kill("SIGSTOP");
    const refused = join(etcd({ endpoints: [nowhere], prefix }), info("one"));
    const frozen = join(etcd({ endpoints: [registry.endpoint], prefix }), info("two"));
    const server = createServer({ id: "three", services: [], discovery: etcd({ endpoints: [nowhere] }), log: silentLogger });
    const outcomes = await Promise.allSettled([refused, frozen, server.start()]);
    const messages = outcomes.map((outcome) =>
      outcome.status === "rejected" ? `${outcome.reason.code} ${outcome.reason.message}` : "started",
    );
    expect(messages[0]).toMatch(new RegExp(`unavailable.*etcd at ${nowhere}.*ECONNREFUSED`));
    expect(messages[1]).toMatch(new RegExp(`unavailable.*etcd at ${registry.endpoint}.*(Deadline exceeded|within 3000 ms)`));
    expect(messages[2]).toMatch(new RegExp(`unavailable.*etcd at ${nowhere}.*ECONNREFUSED`));
    registry.child.process.kill("SIGCONT");
  });

  test("whoever starts while it is away for a moment waits for it", async () => {
    await registry.kill();
    const entering = enter(info("early"));
    await registry.restart();
    expect((await entering).ids).toEqual(["early"]);
  });

  test("of two endpoints one is enough", async () => {
    const nowhere = `127.0.0.1:${await freePort()}`;
    const one = await enter(info("one"), { endpoints: [nowhere, registry.endpoint] });
    const two = await enter(info("two"), { endpoints: [registry.endpoint, nowhere] });
    await until(() => [one.ids, two.ids]).toEqual([
      ["one", "two"],
      ["one", "two"],
    ]);
  });

  test("an endpoint that goes is left for the next", async () => {
    const proxy = await startProxy(registry.endpoint);
    cleanups.push(() => proxy.close());
    const one = await enter(info("one"), { endpoints: [proxy.endpoint, registry.endpoint] });
    proxy.cut();
    await enter(info("two"));
    await until(() => one.ids).toEqual(["one", "two"]);
    await one.membership.update({ ...one.self, version: "by the other" });
    await until(() => members[1]?.find("one")?.version).toBe("by the other");
    expect(one.availability).toEqual([]);
  });
});

describe("etcd, and a server that is cut off from it", () => {
  test("what changed meanwhile is seen, though its revisions are compacted away", async () => {
    const proxy = await startProxy(registry.endpoint);
    cleanups.push(() => proxy.close());
    const cut = await enter(info("cut", {}), { endpoints: [proxy.endpoint], leaseMs: 60_000 });
    const leaver = await enter(info("leaver"));
    const room = await enter(info("room"));
    await until(() => cut.ids).toEqual(["cut", "leaver", "room"]);
    proxy.cut();
    await leaver.membership.leave();
    await room.membership.update({ ...room.self, version: "changed" });
    await enter(info("came"));
    const { header } = await raw.getAll().prefix(prefix).exec();
    await raw.kv.compact({ revision: header.revision, physical: true });
    expect(cut.ids).toEqual(["cut", "leaver", "room"]);
    proxy.heal();
    await until(() => cut.ids, 10_000).toEqual(["came", "cut", "room"]);
    expect(cut.find("room")?.version).toBe("changed");
    await room.membership.update({ ...room.self, version: "again" });
    await until(() => cut.find("room")?.version).toBe("again");
  });

  test("longer than its lease, it is gone for the others, and comes back as the one it was", async () => {
    const proxy = await startProxy(registry.endpoint);
    cleanups.push(() => proxy.close());
    const watcher = await enter(info("watcher"));
    const cut = await enter(info("cut"), { endpoints: [proxy.endpoint] });
    await until(() => watcher.ids).toEqual(["cut", "watcher"]);
    proxy.cut();
    await until(() => watcher.ids, 10_000).toEqual(["watcher"]);
    expect(cut.ids).toEqual(["cut", "watcher"]);
    proxy.heal();
    await until(() => watcher.find("cut"), 10_000).toEqual(cut.self);
    expect(cut.fences).toEqual([]);
  });

  test("comes back to find its id taken: it is fenced, and the other is left alone", async () => {
    const proxy = await startProxy(registry.endpoint);
    cleanups.push(() => proxy.close());
    const watcher = await enter(info("watcher"));
    const former = await enter(info("room"), { endpoints: [proxy.endpoint] });
    await until(() => watcher.ids).toEqual(["room", "watcher"]);
    proxy.cut();
    await until(() => watcher.ids, 10_000).toEqual(["watcher"]);
    const latter = await enter(info("room"));
    proxy.heal();
    await until(() => former.fences, 10_000).toEqual([latter.self.incarnation]);
    await former.membership.leave();
    await latter.membership.update({ ...latter.self, version: "mine" });
    await until(() => watcher.find("room")?.version).toBe("mine");
    expect(watcher.find("room")?.incarnation).toBe(latter.self.incarnation);
    expect(latter.fences).toEqual([]);
  });
});

describe("etcd, and hands in it", () => {
  test.each([
    [
      "its lease is revoked",
      async (self: ServerInfo) => {
        const { kvs } = await raw.getAll().prefix(keyOf(self)).exec();
        await raw.leaseClient.leaseRevoke({ ID: kvs[0]?.lease ?? "" });
      },
    ],
    ["its record is deleted", (self: ServerInfo) => raw.delete().key(keyOf(self)).exec()],
    ["its record is overwritten", (self: ServerInfo) => raw.put(keyOf(self)).value("{}").exec()],
  ])("%s: the server registers anew, at once", async (what, meddle) => {
    // With this lease the next sign of life would be 20 s away.
    const watcher = await enter(info("watcher"), { leaseMs: 60_000 });
    const room = await enter(info("room"), { leaseMs: 60_000 });
    await until(() => watcher.ids).toEqual(["room", "watcher"]);
    await meddle(room.self);
    const written = (): Promise<string | null> => raw.get(keyOf(room.self)).string();
    await vi.waitFor(async () => expect(await written()).toBe(encodeRecord(room.self, "room")), { timeout: 10_000 });
    await until(() => watcher.find("room")).toEqual(room.self);
    // What somebody else writes says nothing of the server.
    expect(neverLost(watcher, "room")).toBe(what === "its record is overwritten");
    await until(() => room.find("room")).toEqual(room.self);
    expect(room.fences).toEqual([]);
    await room.membership.update({ ...room.self, version: "after" });
    await until(() => watcher.find("room")?.version).toBe("after");
    await room.membership.leave();
    await until(() => watcher.ids).toEqual(["watcher"]);
  });

  test("what is no record is passed over, with one line a key", async () => {
    const stranger = info("stranger");
    const fits = JSON.parse(encodeRecord(stranger, "room")) as Record<string, unknown>;
    const values: Readonly<Record<string, string | Buffer>> = {
      empty: "",
      "half a record": '{"id":',
      null: "null",
      list: "[]",
      text: '"text"',
      bytes: Buffer.from([0xff, 0xfe, 0x00, 0x80]),
      large: JSON.stringify({ ...fits, id: "large", version: "x".repeat(100_000) }),
      deep: "[".repeat(4_000),
      "another's id": JSON.stringify(fits),
      "no id": JSON.stringify({ ...fits, id: "" }),
      "no incarnation": JSON.stringify({ ...fits, id: "no incarnation", incarnation: "0" }),
      "no type": JSON.stringify({ ...fits, id: "no type", type: "" }),
      "wrong types": JSON.stringify({ ...fits, id: "wrong types", addresses: 7 }),
      "a number too large": JSON.stringify({ ...fits, id: "a number too large", incarnation: "99999999999999999999999" }),
      __proto__x: '{"__proto__":{"polluted":true}}',
    };
    const names = Object.keys(values);
    const put = (name: string): PromiseLike<unknown> =>
      raw
        .put(`${prefix}/servers/room/${name}`)
        .value(values[name] ?? "")
        .exec();
    for (const name of names.slice(0, 7)) await put(name);
    const watcher = await enter(info("watcher"));
    for (const name of [...names, ...names]) await put(name);
    await ghost(stranger);
    await until(() => watcher.ids).toEqual(["stranger", "watcher"]);
    const keys = watcher.warnings.map(({ fields }) => ("key" in fields ? String(fields.key) : ""));
    expect(keys.sort()).toEqual(names.map((name) => `${prefix}/servers/room/${name}`).sort());
    expect("polluted" in {}).toBe(false);
    // A later version's fields and states are none of its business, and no reason to pass a server over.
    await raw
      .put(`${prefix}/servers/room/newer`)
      .value(JSON.stringify({ ...fits, id: "newer", incarnation: "77", soul: { of: ["a"] } }))
      .exec();
    await until(() => watcher.ids).toEqual(["newer", "stranger", "watcher"]);
  });

  test("a record that grows when it is written again ends nobody", async () => {
    const watcher = await enter(info("watcher"));
    // 4,096 characters that are more bytes, and a state by its number.
    const record = { id: "tight", incarnation: "7", type: "room", state: 2, version: "" };
    record.version = "é".repeat(4_096 - JSON.stringify(record).length);
    await raw.put(`${prefix}/servers/room/tight`).value(JSON.stringify(record)).exec();
    await until(() => watcher.find("tight")?.version).toBe(record.version);
    await enter(info("next"));
    await until(() => watcher.ids).toEqual(["next", "tight", "watcher"]);
  });

  test("leaving gives the lease back at once, also of one that was fenced", async () => {
    const one = await enter(info("one"));
    await enter(info("two"));
    const successor = await enter(info("one"));
    await until(() => one.fences).toEqual([successor.self.incarnation]);
    for (const { membership } of members) await membership.leave();
    expect(await leases()).toBe(0);
    expect(Object.keys(await raw.getAll().prefix(`${prefix}/servers/`).strings())).toEqual([]);
  });

  test("what lies beside, under a prefix that begins alike, is nobody's", async () => {
    const watcher = await enter(info("watcher"));
    const other = await enter(info("other"), { prefix: `${prefix}2` });
    await raw
      .put(`${prefix}/serversx/room/odd`)
      .value(encodeRecord(info("odd"), "room"))
      .exec();
    const last = await enter(info("last"));
    await until(() => watcher.ids).toEqual(["last", "watcher"]);
    expect(last.warnings).toEqual([]);
    expect(other.ids).toEqual(["other"]);
  });
});

test("a server whose id is taken stops, and its successor serves on", async () => {
  const startServer = async (): Promise<Server> => {
    const discovery = etcd({ endpoints: [registry.endpoint], prefix, leaseMs, callTimeoutMs });
    const server = createServer({
      id: "one",
      services: chatRooms(),
      discovery,
      log: silentLogger,
      cluster: { listen: "127.0.0.1:0" },
    });
    cleanups.push(() => server.stop({ graceMs: 100 }));
    await server.start();
    return server;
  };
  const former = await startServer();
  const latter = await startServer();
  await until(() => former.info.state).toBe("draining");
  await former.stop();
  const watcher = await enter(info("watcher"));
  expect(watcher.find("one")).toMatchObject({ incarnation: latter.info.incarnation, state: "ready" });
  await enter(info("later"));
  await until(() => latter.servers().map(({ id }) => id)).toEqual(["later", "one", "watcher"]);
  expect(latter.info.state).toBe("ready");
});
