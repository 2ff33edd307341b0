import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createVirtualClock, type VirtualClock } from "../../src/clock/index.ts";
import { type EtcdLike, startRegistryLike } from "./etcd-likes.ts";
import { openWatching } from "./watching.ts";

const key = (name: string): Uint8Array => new TextEncoder().encode(name);

let clock: VirtualClock;
let registry: EtcdLike;

beforeEach(async () => {
  clock = createVirtualClock();
  registry = await startRegistryLike({ leases: 10 }, clock);
});

afterEach(() => registry.stop());

async function under(lease: bigint, ...names: string[]): Promise<void> {
  for (const name of names) await registry.kv.put({ key: key(name), lease });
}

async function names(): Promise<string[]> {
  const { kvs } = await registry.kv.range({ key: new Uint8Array(1), rangeEnd: new Uint8Array(1) });
  return kvs.map((kv) => new TextDecoder().decode(kv.key));
}

async function renew(...ids: bigint[]): Promise<bigint[]> {
  const ttls: bigint[] = [];
  const requests = (async function* () {
    for (const ID of ids) yield { ID };
  })();
  for await (const { TTL } of registry.lease.leaseKeepAlive(requests)) ttls.push(TTL);
  return ttls;
}

describe("a lease of the registry", () => {
  test("takes its keys away when its time is up, not before, all at one revision", async () => {
    const { ID, TTL } = await registry.lease.leaseGrant({ TTL: 5n });
    expect(TTL).toBe(5n);
    expect(ID).toBeGreaterThan(0n);
    await under(ID, "b", "a");
    await under(0n, "c");
    const watching = openWatching(registry);
    watching.ask({ case: "createRequest", value: { key: new Uint8Array(1), rangeEnd: new Uint8Array(1) } });
    await watching.next();
    clock.moveTo(4_999);
    expect(await names()).toEqual(["a", "b", "c"]);
    clock.moveTo(5_100);
    expect(await names()).toEqual(["c"]);
    const { events, header } = await watching.next();
    expect(events.map(({ type, kv }) => [type, new TextDecoder().decode(kv?.key), kv?.modRevision])).toEqual([
      [1, "a", 5n],
      [1, "b", 5n],
    ]);
    expect(header?.revision).toBe(5n);
    watching.abort();
    await expect(registry.lease.leaseRevoke({ ID })).rejects.toThrow("etcdserver: requested lease not found");
    await expect(under(ID, "d")).rejects.toThrow("etcdserver: requested lease not found");
  });

  test("goes on while it is renewed", async () => {
    const { ID } = await registry.lease.leaseGrant({ TTL: 10n });
    await under(ID, "a");
    for (let at = 8_000; at <= 80_000; at += 8_000) {
      clock.moveTo(at);
      expect(await renew(ID)).toEqual([10n]);
    }
    clock.moveTo(86_000);
    expect(await registry.lease.leaseTimeToLive({ ID, keys: true })).toMatchObject({
      ID,
      TTL: 4n,
      grantedTTL: 10n,
      keys: [key("a")],
    });
    clock.moveTo(91_000);
    expect(await names()).toEqual([]);
    expect(await renew(ID, 77n)).toEqual([0n, 0n]);
    expect(await registry.lease.leaseTimeToLive({ ID })).toMatchObject({ ID, TTL: -1n });
  });

  test("has only the keys that were put under it last", async () => {
    const [first, second] = [1n, 2n];
    await registry.lease.leaseGrant({ ID: first, TTL: 10n });
    await registry.lease.leaseGrant({ ID: second, TTL: 20n });
    await under(first, "a", "b", "c", "d");
    await under(second, "a");
    await under(0n, "b");
    await registry.kv.deleteRange({ key: key("c") });
    await registry.kv.put({ key: key("d"), value: key("again"), ignoreLease: true });
    const { keys } = await registry.lease.leaseTimeToLive({ ID: first, keys: true });
    expect(keys).toEqual([key("d")]);
    clock.moveTo(10_500);
    expect(await names()).toEqual(["a", "b"]);
    clock.moveTo(20_500);
    expect(await names()).toEqual(["b"]);
  });

  test("that was revoked ends no other of its id", async () => {
    await registry.lease.leaseGrant({ ID: 5n, TTL: 10n });
    await registry.lease.leaseRevoke({ ID: 5n });
    await registry.lease.leaseGrant({ ID: 5n, TTL: 60n });
    await under(5n, "a");
    clock.moveTo(30_000);
    expect(await names()).toEqual(["a"]);
  });

  test("lasts at least 2 s, as with etcd, and at most 285 years", async () => {
    expect(await registry.lease.leaseGrant({ TTL: -1n })).toMatchObject({ TTL: 2n });
    await expect(registry.lease.leaseGrant({ TTL: 9_000_000_001n })).rejects.toThrow("etcdserver: too large lease TTL");
    expect(await registry.lease.leaseGrant({ ID: 5n, TTL: 9_000_000_000n })).toMatchObject({ ID: 5n });
    await expect(registry.lease.leaseGrant({ ID: 5n, TTL: 5n })).rejects.toThrow("etcdserver: lease already exists");
    clock.moveTo(3_000);
    expect((await registry.lease.leaseLeases({})).leases.map(({ ID }) => ID)).toEqual([5n]);
  });

  test("is refused where there are as many as there may be", async () => {
    for (let at = 0; at < 10; at++) await registry.lease.leaseGrant({ TTL: 5n });
    await expect(registry.lease.leaseGrant({ TTL: 5n })).rejects.toThrow("etcdserver: too many requests");
    clock.moveTo(6_000);
    await registry.lease.leaseGrant({ TTL: 5n });
  });
});
