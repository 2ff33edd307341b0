import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import { createVirtualClock, seededRandom, type VirtualClock } from "../../src/clock/index.ts";
import { EtcdMembership } from "../../src/discovery/etcd-membership.ts";
import { createRecordSeal, encodeRecord, type ServerInfo } from "../../src/discovery/index.ts";
import { silentLogger } from "../../src/logger/index.ts";
import { createVirtualTime, type VirtualTime } from "../../src/testing/virtual-time.ts";
import { FakeEtcd } from "./fake-etcd.ts";
import { info } from "./member.ts";

const leaseMs = 10_000;
const callTimeoutMs = 3_000;
const prefix = "/nano";
const keyOf = (id: string): string => `${prefix}/servers/room/${id}`;

interface Bench {
  readonly clock: VirtualClock;
  readonly time: VirtualTime;
  readonly etcd: FakeEtcd;
  readonly membership: EtcdMembership;
  readonly self: ServerInfo;
  /** What it told of etcd, with the time. */
  readonly availability: readonly (readonly [available: boolean, atMs: number])[];
  ids(): readonly string[];
}

const open: Bench[] = [];

afterEach(async () => {
  for (const { etcd, time, membership } of open.splice(0)) {
    etcd.state = "there";
    await time.drive(membership.leave());
  }
});

/** A server that is in, on a clock that moves only when told. */
async function begin(seed = 1): Promise<Bench> {
  const clock = createVirtualClock();
  const time = createVirtualTime(clock, () => 0);
  const etcd = new FakeEtcd(clock);
  const self = info("self");
  const lists: (readonly ServerInfo[])[] = [];
  const availability: [boolean, number][] = [];
  const membership = new EtcdMembership(
    {
      ...{ client: etcd.client(callTimeoutMs), prefix, leaseMs, callTimeoutMs, schema: undefined },
      events: {
        changed: (servers) => void lists.push(servers),
        fenced: () => {},
        available: (available) => void availability.push([available, clock.now()]),
      },
      host: { clock, random: seededRandom(seed), log: silentLogger, seal: createRecordSeal([]) },
    },
    self,
  );
  await time.drive(membership.begin(10_000));
  const bench = { clock, time, etcd, membership, self, availability, ids: () => (lists.at(-1) ?? []).map(({ id }) => id) };
  open.push(bench);
  return bench;
}

test("of an etcd that comes back empty at once nobody is gone before there was time to come back", async () => {
  for (const returns of [true, false]) {
    const { etcd, time, ids, self } = await begin();
    const other = encodeRecord(info("other"), "room");
    etcd.put(keyOf("other"), other);
    await time.settle();
    etcd.empty();
    etcd.break();
    await time.advance(2_000);
    expect(etcd.keys.has(keyOf(self.id))).toBe(true);
    expect(ids()).toEqual(["other", "self"]);
    if (returns) etcd.put(keyOf("other"), other);
    await time.advance(4_000);
    expect(ids()).toEqual(returns ? ["other", "self"] : ["self"]);
  }
});

test("an etcd that is back and slow is not away again: a registration that took long has used up some of its lease", async () => {
  const { etcd, time, availability } = await begin();
  etcd.state = "away";
  await time.advance(2 * leaseMs);
  etcd.latencyMs = 1_200;
  etcd.state = "there";
  await time.advance(6 * leaseMs);
  expect(availability.map(([available]) => available)).toEqual([false, true]);
});

test("what a watch lost is found by listing again, within a minute", async () => {
  const { etcd, time, ids } = await begin();
  etcd.put(keyOf("came"), encodeRecord(info("came"), "room"));
  await time.settle();
  expect(ids()).toEqual(["came", "self"]);
  etcd.deaf = true;
  etcd.put(keyOf("late"), encodeRecord(info("late"), "room"));
  etcd.delete(keyOf("came"));
  await time.advance(50_000);
  expect(ids()).toEqual(["came", "self"]);
  await time.advance(10_000 + leaseMs / 3);
  expect(ids()).toEqual(["late", "self"]);
});

test.each(["away", "silent"] as const)("etcd %s: a server knows itself alone before its lease can be over", async (state) => {
  const { clock, etcd, time, availability } = await begin();
  for (let round = 0; round < 20; round++) {
    await time.advance(100 + round * 370);
    const untilMs = (): number => {
      // Nobody but this server has a lease.
      const [lease] = [...etcd.leases.values()];
      return lease ?? Number.NaN;
    };
    const endsAtMs = untilMs();
    const told = availability.length;
    etcd.state = state;
    etcd.break();
    await time.advance(endsAtMs - clock.now() - 1);
    expect(availability.slice(told).map(([available]) => available)).toEqual([false]);
    expect(availability.at(-1)?.[1]).toBeLessThan(endsAtMs);
    etcd.state = "there";
    await time.advance(3_000 + callTimeoutMs);
    expect(availability.at(-1)?.[0]).toBe(true);
  }
});

test("etcd back after a time of any length: within 2 s all is as it was", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.integer({ min: 1, max: 120_000 }), fc.boolean(), async (seed, awayMs, empty) => {
      const { etcd, time, ids, membership, self } = await begin(seed);
      etcd.state = "away";
      etcd.break();
      await membership.update({ ...self, version: "while away" }).catch(() => {});
      await time.advance(awayMs);
      if (empty) etcd.empty();
      etcd.put(keyOf("other"), encodeRecord(info("other"), "room"));
      etcd.state = "there";
      // The connection itself may take one more second.
      await time.advance(2_000);
      expect(ids()).toEqual(["other", "self"]);
      expect(etcd.keys.get(keyOf("self"))?.value).toContain("while away");
    }),
    { numRuns: 100 },
  );
  open.splice(0);
});

test.each([
  ["away", 900],
  ["silent", 250],
] as const)("ten minutes of etcd %s are at most %d calls, and none goes on after leaving", async (state, most) => {
  const { etcd, time, membership } = await begin();
  etcd.state = state;
  etcd.break();
  etcd.calls.length = 0;
  await time.advance(600_000);
  expect(etcd.calls.length).toBeGreaterThan(100);
  expect(etcd.calls.length).toBeLessThan(most);
  await time.drive(membership.leave());
  const { length } = etcd.calls;
  await time.advance(60_000);
  expect(etcd.calls.length).toBe(length);
});

test("watches that break as soon as they are there are not opened over and over", async () => {
  const { etcd, time } = await begin();
  etcd.calls.length = 0;
  for (let at = 0; at < 1_000; at++) {
    etcd.break();
    await time.advance(10);
  }
  expect(etcd.calls.filter((call) => call === "watch").length).toBeLessThan(110);
  expect(etcd.calls.filter((call) => call === "watch").length).toBeGreaterThan(5);
});

test("changes keep their order, and however many there are, etcd is given two: the first, and the last", async () => {
  const { etcd, time, membership, self } = await begin();
  etcd.calls.length = 0;
  const updates = Array.from({ length: 100 }, (_, at) => membership.update({ ...self, version: `${at}` }));
  await time.drive(Promise.all(updates));
  expect(etcd.calls).toEqual(["put", "put"]);
  expect(etcd.keys.get(keyOf("self"))?.value).toContain('"version":"99"');
});

test("a change that could not be told is told after a break shorter than the lease", async () => {
  const { etcd, time, membership, self } = await begin();
  etcd.state = "silent";
  const told = membership.update({ ...self, metadata: { map: "desert" } });
  await expect(time.drive(told)).rejects.toMatchObject({ code: "deadline_exceeded" });
  expect(etcd.keys.get(keyOf("self"))?.value).not.toContain("desert");
  etcd.state = "there";
  await time.advance(2_000);
  expect(etcd.keys.get(keyOf("self"))?.value).toContain("desert");
  expect(etcd.calls.filter((call) => call === "grant").length).toBe(1);
});
