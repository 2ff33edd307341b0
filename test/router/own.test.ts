import { NanoError, type RoutingFunction, type Server } from "nano-rpc";
import { createTestCluster, type TestCluster } from "nano-rpc/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { RoomClient } from "../schema/gen/rooms/v1/rooms_client.ts";
import { RoomAdminRemote } from "../schema/gen/rooms/v1/rooms_nano.ts";
import { rooms, type Seen } from "./rooms.ts";

const leaseMs = 10_000;
const names = Array.from({ length: 24 }, (_, at) => `room ${at}`);

let cluster: TestCluster;
let seen: Map<string, Seen>;
let servers: Map<string, Server>;

beforeEach(() => {
  cluster = createTestCluster();
  seen = new Map();
  servers = new Map();
});
afterEach(() => cluster.stop());

const wait = (ms: number): Promise<void> => {
  const untilMs = cluster.now + ms;
  return new Promise((resolve) => {
    waiting.add({ untilMs, resolve });
  });
};
const waiting = new Set<{ readonly untilMs: number; readonly resolve: () => void }>();

/** Moves the clock, and what handlers wait for. */
async function advance(ms: number): Promise<void> {
  await cluster.advance(ms);
  for (const one of waiting) if (one.untilMs <= cluster.now && waiting.delete(one)) one.resolve();
  await cluster.settle();
}

async function startRoom(id: string, onRelease?: () => Promise<void>): Promise<Server> {
  const made = rooms(wait, onRelease ? { onRelease } : {});
  seen.set(id, made.seen);
  const server = await cluster.start({ id, services: made.services });
  servers.set(id, server);
  return server;
}

/** Moves the clock until something is so. */
async function until(isSo: () => boolean, mostMs = 10_000): Promise<void> {
  const lastMs = cluster.now + mostMs;
  while (!isSo()) {
    if (cluster.now >= lastMs) throw new Error(`not so within ${mostMs} ms`);
    await advance(20);
  }
}

/** A gate that asks a given server first, or whoever the schema says. */
function startGate(id: string, first?: string): Promise<Server> {
  const choose: RoutingFunction = (_call, all) => all.find((server) => server.id === first);
  return cluster.start({ id, types: ["gate"], frontend: true, routers: { room: choose } });
}

async function client(gate: string, encoding: "protobuf" | "json" = "protobuf"): Promise<RoomClient> {
  return (await cluster.connect(gate, { encoding })).service(RoomClient);
}

async function outcome(call: Promise<{ readonly server: string }>): Promise<string> {
  return call.then(
    ({ server }) => server,
    (reason: unknown) => NanoError.from(reason).code,
  );
}

const homes = async (from: RoomClient): Promise<string[]> => Promise.all(names.map((room) => outcome(from.enter({ room }))));

describe("an owned key", () => {
  test("has one home, also where two frontends ask different servers for it at the same time, in both encodings", async () => {
    for (const id of ["room-1", "room-2"]) await startRoom(id);
    await startGate("gate-1", "room-1");
    await startGate("gate-2", "room-2");
    const [one, two] = [await client("gate-1"), await client("gate-2", "json")];
    const all = await Promise.all([homes(one), homes(two)]);
    expect(all[0]).toEqual(all[1]);
    for (const id of ["room-1", "room-2"]) {
      const own = names.filter((_, at) => all[0][at] === id);
      expect(new Set(servers.get(id)?.ownedKeys())).toEqual(new Set(own));
      // Both have come to the same room, and nobody to one that is elsewhere.
      expect([...(seen.get(id)?.entered ?? [])].sort()).toEqual(own.map((room) => [room, 2]).sort());
    }
    expect(names.length).toBe([...servers.values()].flatMap((server) => server.ownedKeys()).length);
  });

  test("stays where it is when servers come, whoever asks; new keys go to them too", async () => {
    for (const id of ["room-1", "room-2"]) await startRoom(id);
    await startGate("gate-1");
    const before = await homes(await client("gate-1"));
    expect(new Set(before)).toEqual(new Set(["room-1", "room-2"]));
    for (const id of ["room-3", "room-4"]) await startRoom(id);
    // Knows of nobody's home yet.
    const gate = await startGate("gate-2");
    expect(await homes(await client("gate-2"))).toEqual(before);
    expect(await homes(await client("gate-1"))).toEqual(before);
    const admin = gate.remote(RoomAdminRemote);
    expect(await Promise.all(names.map((room) => outcome(admin.stat({ room }))))).toEqual(before);
    const fresh = await Promise.all(names.map((room) => outcome(admin.stat({ room: `new ${room}` }))));
    expect(new Set(fresh)).toEqual(new Set(["room-1", "room-2", "room-3", "room-4"]));
  });

  test("is found by remotes from everywhere, the home itself included; who names a server means that one", async () => {
    const [one, two] = [await startRoom("room-1"), await startRoom("room-2")];
    const gate = await startGate("gate-1", "room-1");
    const entered = await (await client("gate-1")).enter({ room: "lobby" });
    expect(entered).toMatchObject({ server: "room-1", before: 0 });
    for (const from of [gate, one, two]) {
      expect(await from.remote(RoomAdminRemote).stat({ room: "lobby" })).toMatchObject({ server: "room-1", entered: 1 });
      expect(await from.remote(RoomAdminRemote, { key: "lobby" }).stat({ room: "lobby" })).toMatchObject({ server: "room-1" });
    }
    const elsewhere = gate.remote(RoomAdminRemote, { server: "room-2" }).stat({ room: "lobby" });
    expect(await elsewhere.then(() => undefined, NanoError.from)).toMatchObject({
      code: "unavailable",
      message: "the key has its home on another server",
    });
  });

  test("that is released is free for whoever is asked next, and its hook is not called", async () => {
    await startRoom("room-1");
    await startGate("gate-1");
    const one = await client("gate-1");
    for (const room of names) expect(await outcome(one.enter({ room }))).toBe("room-1");
    await startRoom("room-2");
    for (const room of names) expect(await outcome(one.close({ room }))).toBe("room-1");
    expect(servers.get("room-1")?.ownedKeys()).toEqual([]);
    await startGate("gate-2");
    const after = await homes(await client("gate-2"));
    expect(new Set(after)).toEqual(new Set(["room-1", "room-2"]));
    // Who knew the old home asks there first, and is sent on.
    expect(await homes(one)).toEqual(after);
    expect(seen.get("room-1")?.released).toEqual([]);
  });

  test("keeps the order of what one session tells it, also where the first of it goes astray", async () => {
    for (const id of ["room-1", "room-2"]) await startRoom(id);
    await startGate("gate-1", "room-1");
    await startGate("gate-2", "room-2");
    await (await client("gate-1")).enter({ room: "lobby" });
    const two = await client("gate-2");
    for (let number = 1; number <= 40; number++) two.count({ room: number % 4 === 0 ? "hall" : "lobby", number });
    await two.enter({ room: "lobby" });
    await two.enter({ room: "hall" });
    const at = [seen.get("room-1")?.numbers ?? [], seen.get("room-2")?.numbers ?? []];
    const all = Array.from({ length: 40 }, (_, index) => index + 1);
    expect(at[0]).toEqual(all.filter((number) => number % 4 !== 0));
    expect(at[1]).toEqual(all.filter((number) => number % 4 === 0));
  });

  test("is at home on a frontend as well, be it alone or one of two that hold rooms and clients", async () => {
    for (const id of ["all-1", "all-2"]) {
      await cluster.start({ id, frontend: true, services: rooms(wait).services });
      const here = await client(id);
      expect(await outcome(here.enter({ room: `of ${id}` }))).toMatch(/^all-/);
      if (id === "all-1") expect(new Set(await homes(here))).toEqual(new Set(["all-1"]));
    }
    expect(new Set(await homes(await client("all-2")))).toEqual(new Set(["all-1"]));
    const fresh = await client("all-1");
    const found = await Promise.all(names.map((room) => outcome(fresh.enter({ room: `new ${room}` }))));
    expect(new Set(found)).toEqual(new Set(["all-1", "all-2"]));
    const other = await client("all-2");
    expect(await Promise.all(names.map((room) => outcome(other.enter({ room: `new ${room}` }))))).toEqual(found);
  });

  test("of over 512 characters is none", async () => {
    await startRoom("room-1");
    await startGate("gate-1");
    const one = await client("gate-1");
    expect(await outcome(one.enter({ room: "x".repeat(512) }))).toBe("room-1");
    expect(await outcome(one.enter({ room: "x".repeat(513) }))).toBe("invalid_argument");
  });
});

describe("the home of a key", () => {
  test("that drains waits for the calls that run, saves, and only then lets the next one have it: no call fails", async () => {
    const saved = Promise.withResolvers<void>();
    await startRoom("room-1", () => {
      expect(seen.get("room-1")?.running).toBe(0);
      return saved.promise;
    });
    await startGate("gate-1");
    const one = await client("gate-1");
    await one.enter({ room: "lobby" });
    await startRoom("room-2");
    const lingers = outcome(one.linger({ room: "lobby", ms: 3_000 }));
    await cluster.settle();
    let drained = false;
    const drain = servers
      .get("room-1")
      ?.drain()
      .then(() => {
        drained = true;
      });
    const leaves = (): boolean => servers.get("room-1")?.ownedKeys().length === 0;
    await until(leaves, 2_000);
    const meanwhile = outcome((await client("gate-1")).enter({ room: "lobby" }));
    await advance(200);
    // A call runs: the hook must wait.
    expect([seen.get("room-1")?.released, seen.get("room-1")?.running]).toEqual([[], 1]);
    await until(() => seen.get("room-1")?.released.length === 1);
    expect(await lingers).toBe("room-1");
    await advance(200);
    expect([seen.get("room-1")?.released, drained, seen.get("room-2")?.entered.size]).toEqual([["lobby drain"], false, 0]);
    saved.resolve();
    expect(await meanwhile).toBe("room-2");
    expect(seen.get("room-2")?.entered.get("lobby")).toBe(1);
    await until(() => drained);
    await drain;
  });

  test("that drains answers for its keys until then, and takes no new ones", async () => {
    await startRoom("room-1", () => new Promise(() => {}));
    await startGate("gate-1", "room-1");
    const one = await client("gate-1");
    await one.enter({ room: "lobby" });
    await startRoom("room-2");
    const drain = servers.get("room-1")?.drain({ graceMs: 3_000 });
    await cluster.settle();
    expect(await outcome(one.enter({ room: "lobby" }))).toBe("room-1");
    expect(await outcome(one.enter({ room: "new" }))).toBe("room-2");
    await until(() => seen.get("room-1")?.released.length === 1, 2_000);
    // The hook takes all the time there is, and the key is given up as it is.
    const stuck = outcome(one.enter({ room: "lobby" }));
    await until(() => seen.get("room-2")?.entered.has("lobby") === true, 3_000);
    expect(await stuck).toBe("room-2");
    await drain;
  });

  test("that has drained is not asked any more, by any who remember it: its link may close at any moment", async () => {
    await startRoom("room-1");
    await startGate("gate-1");
    const one = await client("gate-1");
    expect(new Set(await homes(one))).toEqual(new Set(["room-1"]));
    await startRoom("room-2");
    let drained = false;
    const drain = servers
      .get("room-1")
      ?.drain()
      .then(() => {
        drained = true;
      });
    await until(() => drained);
    await drain;
    cluster.cut("gate-1", "room-1");
    const after = homes(one);
    await advance(100);
    expect(new Set(await after)).toEqual(new Set(["room-2"]));
  });

  test("that cannot renew its lease answers no more before another may claim; on return it has lost what was claimed meanwhile", async () => {
    await startRoom("room-1");
    await startGate("gate-1", "room-1");
    await startGate("gate-2", "room-2");
    const [one, two] = [await client("gate-1"), await client("gate-2")];
    expect([await outcome(one.enter({ room: "lobby" })), await outcome(one.enter({ room: "hall" }))]).toEqual([
      "room-1",
      "room-1",
    ]);
    await startRoom("room-2");
    const fault = cluster.cutDiscovery("room-1");
    let lastMs = 0;
    let claimedMs = 0;
    const cutMs = cluster.now;
    for (let at = 0; at < 60 && claimedMs === 0; at++) {
      await cluster.advance(250);
      const [old, next] = [await outcome(one.enter({ room: "lobby" })), await outcome(two.enter({ room: "lobby" }))];
      if (old === "room-1") lastMs = cluster.now - cutMs;
      if (next === "room-2") claimedMs = cluster.now - cutMs;
    }
    // The old home stops well before, and the next one does not wait for much longer than the lease.
    expect(lastMs).toBeGreaterThan(leaseMs / 2);
    expect(claimedMs).toBeGreaterThan(lastMs + 500);
    expect(claimedMs).toBeLessThanOrEqual(leaseMs + 1_000);
    expect(seen.get("room-1")?.released).toEqual([]);
    await fault.heal();
    await cluster.advance(2_500);
    expect(seen.get("room-1")?.released.sort()).toEqual(["hall lost", "lobby lost"]);
    expect(await outcome(one.enter({ room: "lobby" }))).toBe("room-2");
    // Nobody has asked for this one: it may come back.
    expect(await one.enter({ room: "hall" })).toMatchObject({ server: "room-1", before: 0 });
  });

  test("that was away for less than its lease has lost nothing", async () => {
    await startRoom("room-1");
    await startGate("gate-1");
    const one = await client("gate-1");
    await one.enter({ room: "lobby" });
    const fault = cluster.cutDiscovery("room-1");
    await cluster.advance(5_000);
    expect(await one.enter({ room: "lobby" })).toMatchObject({ server: "room-1", before: 1 });
    // What it does not hold yet cannot be claimed.
    expect(await outcome(one.enter({ room: "hall" }))).toBe("unavailable");
    await fault.heal();
    await cluster.advance(20_000);
    expect(await one.enter({ room: "lobby" })).toMatchObject({ server: "room-1", before: 2 });
    expect(seen.get("room-1")?.released).toEqual([]);
  });

  test("that is gone at once is unavailable until its lease is over, and then another's", async () => {
    await startRoom("room-1");
    await startGate("gate-1");
    const one = await client("gate-1");
    await one.enter({ room: "lobby" });
    await startRoom("room-2");
    cluster.crash("room-1");
    await cluster.settle();
    const crashedMs = cluster.now;
    let found = "unavailable";
    for (let at = 0; at < 60 && found === "unavailable"; at++) {
      const answer = outcome(one.enter({ room: "lobby" }));
      await cluster.advance(250);
      found = await answer;
    }
    expect(found).toBe("room-2");
    expect(cluster.now - crashedMs).toBeGreaterThan(leaseMs / 2);
    expect(cluster.now - crashedMs).toBeLessThanOrEqual(leaseMs + 1_000);
  });
});
