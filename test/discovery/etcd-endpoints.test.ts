import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type EtcdOptions, etcd, type ServerInfo } from "../../src/discovery/index.ts";
import { openSockets, until } from "../net/recorder.ts";
import { type Etcd, startEtcd } from "../support/etcd.ts";
import { startEtcdCluster } from "../support/etcd-cluster.ts";
import { freePort } from "../support/port.ts";
import { info, join, type Member } from "./member.ts";
import { startProxy, type WayToEtcd } from "./proxy.ts";

const options = { prefix: "/endpoints", leaseMs: 60_000, callTimeoutMs: 1_000 } as const;

let registry: Etcd;
const members: Member[] = [];
const proxies: WayToEtcd[] = [];

const cleanups: (() => Promise<void>)[] = [];

beforeEach(async () => {
  registry = await startEtcd();
});

afterEach(async () => {
  await Promise.all(members.splice(0).map(({ membership }) => membership.leave()));
  for (const proxy of proxies.splice(0)) await proxy.close();
  for (const cleanup of cleanups.splice(0)) await cleanup();
  await registry.stop();
  await until(openSockets).toBe(0);
});

async function enter(self: ServerInfo, endpoints: EtcdOptions["endpoints"] = [registry.endpoint]): Promise<Member> {
  const member = await join(etcd({ ...options, endpoints }), self);
  members.push(member);
  return member;
}

async function way(): Promise<WayToEtcd> {
  const proxy = await startProxy(registry.endpoint);
  proxies.push(proxy);
  return proxy;
}

/** What one changes is told when it can be, and seen by the other. */
async function talk(one: Member, other: Member): Promise<void> {
  const version = `at ${performance.now()}`;
  await one.membership.update({ ...one.self, version }).catch(() => {});
  await until(() => other.find(one.self.id)?.version, 10_000).toBe(version);
}

test("endpoints in one text, two of them dead", async () => {
  const dead = [await freePort(), await freePort()].map((port) => `127.0.0.1:${port}`);
  const one = await enter(info("one"), `etcd://${dead[0]},${registry.endpoint},${dead[1]}`);
  const two = await enter(info("two"), `${dead.join(",")},http://${registry.endpoint}`);
  await talk(one, two);
  await talk(two, one);
});

test("two endpoints that come and go in turn: nothing is missed, and nobody is away", async () => {
  const ways = [await way(), await way()] as const;
  const one = await enter(
    info("one"),
    ways.map(({ endpoint }) => endpoint),
  );
  const two = await enter(info("two"));
  for (const [lost, left] of [ways, [ways[1], ways[0]], ways] as const) {
    left.heal();
    lost.cut();
    await talk(two, one);
    await talk(one, two);
  }
  expect(one.availability).toEqual([]);
});

test("a connection that says nothing any more is left for another, also where that does not come about", async () => {
  const proxy = await way();
  const one = await enter(info("one"), [proxy.endpoint]);
  const two = await enter(info("two"));
  const before = proxy.connections;
  proxy.mute();
  await expect(one.membership.update({ ...one.self, version: "lost" })).rejects.toMatchObject({ code: "deadline_exceeded" });
  // Some more that begin, and never are.
  await until(() => proxy.connections, 10_000).toBeGreaterThan(before + 2);
  proxy.heal();
  await until(() => two.find("one")?.version, 10_000).toBe("lost");
  await talk(two, one);
});

test.each<[string, (proxy: WayToEtcd) => void]>([
  ["refuses", (proxy) => proxy.cut()],
  ["says nothing", (proxy) => proxy.mute()],
])("an etcd that %s is not asked over and over", async (_what, leave) => {
  const proxy = await way();
  const one = await enter(info("one"), [proxy.endpoint]);
  const two = await enter(info("two"));
  leave(proxy);
  const before = proxy.connections;
  await one.membership.update({ ...one.self, version: "away" }).catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, 4_000));
  expect(proxy.connections - before).toBeLessThan(25);
  proxy.heal();
  await until(() => two.find("one")?.version, 10_000).toBe("away");
});

describe("three etcds that are one cluster", () => {
  test("whichever is killed or frozen, servers go on with the others, and miss nothing", async () => {
    const cluster = await startEtcdCluster();
    cleanups.push(() => cluster.stop());
    // Each begins with another one.
    const [a = "", b = "", c = ""] = cluster.endpoints;
    const one = await enter(info("one"), [a, b, c]);
    const two = await enter(info("two"), `etcd://${b},${c},${a}`);
    const three = await enter(info("three"), [c, a, b]);
    for (const [at, signal] of [
      [0, "SIGSTOP"],
      [1, "SIGKILL"],
      [2, "SIGSTOP"],
    ] as const) {
      cluster.signal(at, signal);
      await talk(one, two);
      await talk(two, three);
      await talk(three, one);
      await (signal === "SIGKILL" ? cluster.restart(at) : cluster.signal(at, "SIGCONT"));
      await talk(one, three);
    }
    expect([one, two, three].flatMap(({ availability }) => availability)).toEqual([]);
    expect([one, two, three].map(({ ids }) => ids)).toEqual(Array(3).fill(["one", "three", "two"]));
  }, 60_000);
});
