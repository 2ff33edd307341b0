import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Discovery, etcd, memory, type ServerInfo } from "../../src/discovery/index.ts";
import { openSockets, until } from "../net/recorder.ts";
import { type Etcd, startEtcd } from "../support/etcd.ts";
import { info, join, type Member } from "./member.ts";

let registry: Etcd;

beforeAll(async () => {
  registry = await startEtcd();
});

afterAll(() => registry?.stop());

// A lease so long that no test passes because one ran out.
const leaseMs = 60_000;

const cases: readonly { readonly name: string; create(): Discovery }[] = [
  { name: "memory", create: () => memory() },
  { name: "etcd", create: () => etcd({ endpoints: [registry.endpoint], prefix: `/${randomUUID()}`, leaseMs }) },
];

describe.each(cases)("discovery: $name", ({ create }) => {
  const members: Member[] = [];

  afterEach(async () => {
    await Promise.all(members.splice(0).map(({ membership }) => membership.leave()));
    await until(openSockets).toBe(0);
  });

  async function enter(discovery: Discovery, self: ServerInfo, schema?: Uint8Array): Promise<Member> {
    const member = await join(discovery, self, schema);
    members.push(member);
    return member;
  }

  test("whoever joins knows itself and those that are there; they hear of it", async () => {
    const discovery = create();
    const one = await enter(discovery, info("b"));
    expect(one.ids).toEqual(["b"]);
    const two = await enter(discovery, info("a"));
    expect(two.ids).toEqual(["a", "b"]);
    await until(() => one.ids).toEqual(["a", "b"]);
  });

  test("a record arrives as it was written", async () => {
    const discovery = create();
    const watcher = await enter(discovery, info("watcher"));
    const self = info("gate-1", {
      incarnation: 0xffff_ffff_ffff_fffen,
      types: ["gate", "room"],
      version: "1.0.0-β",
      frontend: true,
      addresses: ["10.0.0.1:4000", "[2001:db8::1]:4000"],
      state: "starting",
      protocol: 7,
      schema: "ab".repeat(32),
      metadata: { zone: "köln", __proto__x: "1", "": "empty" },
    });
    const joined = await enter(discovery, self);
    await until(() => watcher.find("gate-1")).toEqual(self);
    expect(joined.find("gate-1")).toEqual(self);
    // Of two types, and yet one server.
    expect(watcher.ids).toEqual(["gate-1", "watcher"]);
  });

  test("ten that join at once all know all", async () => {
    const discovery = create();
    const ids = Array.from({ length: 10 }, (_, at) => `room-${at}`);
    const all = await Promise.all(ids.map((id) => enter(discovery, info(id))));
    for (const member of all) await until(() => member.ids).toEqual(ids);
  });

  test("updates are seen in order, and the last stays", async () => {
    const discovery = create();
    const watcher = await enter(discovery, info("watcher"));
    const { self, membership } = await enter(discovery, info("room"));
    for (let version = 1; version <= 20; version++) await membership.update({ ...self, version: `${version}` });
    await membership.update({ ...self, version: "21", state: "draining" });
    await until(() => watcher.find("room")?.version).toBe("21");
    expect(watcher.find("room")?.state).toBe("draining");
    const seen = watcher.lists.flatMap((list) =>
      list.filter(({ id }) => id === "room").map(({ version }) => Number(version) || 0),
    );
    expect(seen).toEqual([...seen].sort((one, other) => one - other));
    expect(watcher.ids).toEqual(["room", "watcher"]);
  });

  test("whoever leaves is gone at once, and hears nothing more", async () => {
    const discovery = create();
    const watcher = await enter(discovery, info("watcher"));
    const gone = await enter(discovery, info("gone", { types: ["gate", "room"] }));
    await until(() => watcher.ids).toEqual(["gone", "watcher"]);
    await gone.membership.leave();
    await until(() => watcher.ids).toEqual(["watcher"]);
    const heard = gone.lists.length;
    await gone.membership.leave();
    await gone.membership.update({ ...gone.self, state: "draining" });
    await enter(discovery, info("later"));
    await until(() => watcher.ids).toEqual(["later", "watcher"]);
    expect(gone.lists.length).toBe(heard);
    expect([...gone.fences, ...watcher.fences]).toEqual([]);
    expect([...gone.warnings, ...watcher.warnings]).toEqual([]);
  });

  test("two clusters do not meet", async () => {
    const [here, there] = [create(), create()];
    const one = await enter(here, info("same"));
    const two = await enter(there, info("same"));
    const other = await enter(there, info("other"));
    await until(() => two.ids).toEqual(["other", "same"]);
    expect(other.find("same")?.incarnation).toBe(two.self.incarnation);
    expect(one.ids).toEqual(["same"]);
    expect([...one.fences, ...two.fences]).toEqual([]);
  });

  test("a schema is found under its hash, also when its server has left; what nobody brought is not", async () => {
    const discovery = create();
    const schema = Uint8Array.from([0x1f, 0x8b, 0, 255, 10]);
    const bringer = await enter(discovery, info("bringer", { schema: "cafe" }), schema);
    const { membership } = await enter(discovery, info("asker"));
    expect(Uint8Array.from((await membership.schema("cafe")) ?? [])).toEqual(schema);
    await bringer.membership.leave();
    expect(Uint8Array.from((await membership.schema("cafe")) ?? [])).toEqual(schema);
    expect(await membership.schema("beef")).toBeUndefined();
  });

  test("an id that is taken goes to whoever comes later; the former is fenced, once", async () => {
    const discovery = create();
    const watcher = await enter(discovery, info("watcher"));
    const former = await enter(discovery, info("room"));
    const latter = await enter(discovery, info("room"));
    await until(() => former.fences).toEqual([latter.self.incarnation]);
    await until(() => watcher.find("room")?.incarnation).toBe(latter.self.incarnation);

    // What a fenced server does when it stops must not hurt its successor.
    await former.membership.update({ ...former.self, state: "draining" });
    await former.membership.leave();
    await latter.membership.update({ ...latter.self, version: "after" });
    await until(() => watcher.find("room")?.version).toBe("after");
    expect(watcher.ids).toEqual(["room", "watcher"]);
    expect(watcher.lists.flat().some(({ id, state }) => id === "room" && state === "draining")).toBe(false);
    expect([...latter.fences, ...watcher.fences]).toEqual([]);
    expect(former.fences.length).toBe(1);
  });

  test.each([
    ["fewer", ["gate", "room"], ["room"]],
    ["more", ["room"], ["gate", "room"]],
    ["other", ["gate"], ["room"]],
  ])("so it is when the later has %s types", async (_what, before, after) => {
    const discovery = create();
    const watcher = await enter(discovery, info("watcher"));
    const former = await enter(discovery, info("one", { types: before }));
    const latter = await enter(discovery, info("one", { types: after }));
    await until(() => former.fences).toEqual([latter.self.incarnation]);
    await former.membership.leave();
    await enter(discovery, info("last"));
    await until(() => watcher.ids).toEqual(["last", "one", "watcher"]);
    expect(watcher.find("one")).toEqual(latter.self);
    expect(latter.ids).toContain("one");
    expect(latter.fences).toEqual([]);
  });

  test("of five that want one id at once, one keeps it", async () => {
    const discovery = create();
    const rivals = await Promise.all(Array.from({ length: 5 }, () => enter(discovery, info("one"))));
    const watcher = await enter(discovery, info("watcher"));
    await until(() => rivals.filter(({ fences }) => fences.length === 0).length).toBe(1);
    const [winner] = rivals.filter(({ fences }) => fences.length === 0);
    await until(() => watcher.find("one")?.incarnation).toBe(winner?.self.incarnation);
    expect(rivals.flatMap(({ fences }) => fences).length).toBe(4);
  });

  test("a server that comes back after leaving is another", async () => {
    const discovery = create();
    const watcher = await enter(discovery, info("watcher"));
    const before = await enter(discovery, info("room"));
    await before.membership.leave();
    const after = await enter(discovery, info("room"));
    await until(() => watcher.find("room")?.incarnation).toBe(after.self.incarnation);
    expect([...before.fences, ...after.fences]).toEqual([]);
  });

  test("a record over 4 KiB is refused, at the start and later, and what was there stays", async () => {
    const discovery = create();
    const large = { metadata: { text: "é".repeat(2_000) } };
    await expect(join(discovery, info("large", large))).rejects.toMatchObject({ code: "invalid_argument" });
    const watcher = await enter(discovery, info("watcher"));
    const { self, membership } = await enter(discovery, info("room"));
    await expect(membership.update({ ...self, ...large })).rejects.toThrow(/room.*4096/);
    await membership.update({ ...self, version: "after" });
    await until(() => watcher.find("room")).toEqual({ ...self, version: "after" });
    expect(watcher.ids).toEqual(["room", "watcher"]);
  });
});
