import { afterEach, beforeEach, expect, test } from "vitest";
import { type EtcdOptions, etcd, type ServerInfo } from "../../src/discovery/index.ts";
import { openSockets, until } from "../net/recorder.ts";
import { type Etcd, freePort, startEtcd } from "../support/etcd.ts";
import { info, join, type Member } from "./member.ts";
import { startProxy, type WayToEtcd } from "./proxy.ts";

const options = { prefix: "/endpoints", leaseMs: 60_000, callTimeoutMs: 1_000 } as const;

let registry: Etcd;
const members: Member[] = [];
const proxies: WayToEtcd[] = [];

beforeEach(async () => {
  registry = await startEtcd();
});

afterEach(async () => {
  await Promise.all(members.splice(0).map(({ membership }) => membership.leave()));
  for (const proxy of proxies.splice(0)) await proxy.close();
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

test.each([
  ["none", []],
  ["none in a text", ""],
  ["no port", ["localhost"]],
  ["a path", ["127.0.0.1:2379/nano"]],
  ["a space", "127.0.0.1:2379, 127.0.0.1:2380"],
  ["another scheme", ["ftp://127.0.0.1:2379"]],
])("endpoints that make no sense are refused: %s", (_what, endpoints) => {
  expect(() => etcd({ endpoints })).toThrow(/127\.0\.0\.1:2379/);
});

test.each([
  [{ prefix: "nano" }, /"nano".*\/nano/],
  [{ prefix: "/nano/" }, /"\/nano\/".*\/nano/],
  [{ leaseMs: 10 }, /lease of 10 ms/],
  [{ leaseMs: Number.NaN }, /lease of NaN ms/],
  [{ callTimeoutMs: 0 }, /callTimeoutMs is 0/],
])("so are other options: %j", (more, words) => {
  expect(() => etcd({ endpoints: ["127.0.0.1:2379"], ...more })).toThrow(words);
});
