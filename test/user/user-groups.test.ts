import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { NanoError, type UserGroup } from "nano-rpc";
import { createTestCluster } from "nano-rpc/testing";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { seededRandom, turn } from "../../src/clock/index.ts";
import { type Discovery, etcd, memory, type Store } from "../../src/discovery/index.ts";
import { createUserGroups } from "../../src/user/index.ts";
import { info, join, type Member } from "../discovery/member.ts";
import { openSockets, until } from "../net/recorder.ts";
import { type Etcd, startEtcd } from "../support/etcd.ts";
import { Hall, said, text } from "./hall.ts";

let registry: Etcd;

beforeAll(async () => {
  registry = await startEtcd();
});

afterAll(() => registry?.stop());

const cases: readonly { readonly name: string; create(): Discovery }[] = [
  { name: "memory", create: () => memory() },
  { name: "etcd", create: () => etcd({ endpoints: [registry.endpoint], prefix: `/${randomUUID()}` }) },
];

const dayMs = 86_400_000;
const code = (reason: unknown): string => NanoError.from(reason).code;
let seeds = 0;

describe.each(cases)("a group of users in $name", ({ create }) => {
  const members: Member[] = [];

  afterEach(async () => {
    await Promise.all(members.splice(0).map(({ membership }) => membership.leave()));
    await until(openSockets).toBe(0);
  });

  async function servers(): Promise<{
    readonly store: Store;
    readonly here: (ttlMs: number) => UserGroup;
    readonly there: (ttlMs: number) => UserGroup;
    /** Resolves when a group that is made now, and never renewed, has ended: so has every lease of as long a time from before. */
    readonly ended: (ttlMs: number) => Promise<void>;
  }> {
    const discovery = create();
    for (const id of ["here", "there"]) members.push(await join(discovery, info(id)));
    const [here, there] = members.slice(-2).map(({ membership: { store } }) => {
      const users = () => {
        throw new Error("nobody is pushed to");
      };
      const groups = createUserGroups({ store: () => store, random: seededRandom(++seeds), users });
      return (ttlMs: number, name = "guild/7") => groups(name, ttlMs, () => {});
    });
    const store = members.at(-1)?.membership.store;
    if (!here || !there || !store) throw new Error("no servers");
    const ended = async (ttlMs: number): Promise<void> => {
      const other = here(ttlMs, "nobody renews it");
      await other.add("ann");
      await expect.poll(() => other.count(), { timeout: 15_000 }).toBe(0);
    };
    return { store, here, there, ended };
  }

  test("is the same from everywhere", async () => {
    const { here, there } = await servers();
    const [one, two] = [here(dayMs), there(dayMs)];
    expect([await two.count(), await two.members(), await two.has("ann")]).toEqual([0, [], false]);
    expect([await one.create(), await two.create()]).toEqual([true, false]);
    await one.add("bob", "ann", "bob");
    await two.add("ünal", "a/b", "ann");
    expect(await one.members()).toEqual(["a/b", "ann", "bob", "ünal"]);
    expect([await two.count(), await two.has("bob"), await one.has("b")]).toEqual([4, true, false]);
    await two.remove("bob", "nobody");
    expect(await one.members()).toEqual(["a/b", "ann", "ünal"]);
    await one.add();
    await two.delete();
    expect([await one.count(), await one.has("ann"), await one.members()]).toEqual([0, false, []]);
    await one.delete();
    await one.remove("ann");
    expect(await one.renew().catch(code)).toBe("not_found");
    await one.add("new");
    expect(await two.members()).toEqual(["new"]);
  });

  test("of thousands is counted and listed", async () => {
    const { here } = await servers();
    const group = here(dayMs);
    const users = Array.from({ length: 2_345 }, (_, at) => `user-${`${at}`.padStart(5, "0")}`);
    await group.add(...users);
    expect(await group.count()).toBe(2_345);
    expect(await group.members()).toEqual(users);
  });

  test("ends by itself, with all its members, unless it is renewed", async () => {
    const { store, here, ended } = await servers();
    const group = here(2_000);
    await group.add("ann");
    const over = ended(2_000);
    let renews = true;
    void over.finally(() => {
      renews = false;
    });
    while (renews) {
      await group.renew();
      await group.add("bob");
      expect(await group.count()).toBe(2);
      // In memory all this takes no turn of the event loop, and time would stand still.
      await turn();
    }
    await over;
    await expect.poll(() => group.count(), { timeout: 15_000 }).toBe(0);
    expect([await store.count("user-groups/"), await store.count("user-group-members/")]).toEqual([0, 0]);
  }, 30_000);

  test("may be given another time, while others come and go, and renew it too", async () => {
    const { here, there, ended } = await servers();
    const users = Array.from({ length: 300 }, (_, at) => `user-${at}`);
    const [one, two] = [here(2_000), there(3_000)];
    await one.add(...users);
    const coming = users.map((user) => two.add(`late ${user}`));
    await Promise.all([one.renew(dayMs), two.renew(2 * dayMs), one.renew(3 * dayMs), ...coming]);
    await two.remove("user-7");
    await ended(3_000);
    expect(await one.count()).toBe(599);
  }, 30_000);

  test("keeps whoever comes between the last look and the change of its time", async () => {
    const { store, there, ended } = await servers();
    const write: Store["write"] = async (writes) => {
      if (writes.some(({ key, value }) => key.startsWith("user-groups/") && value !== undefined)) await there(1_000).add("late");
      return store.write(writes);
    };
    const users = () => expect.fail();
    const groups = createUserGroups({ store: () => ({ ...store, write }), random: seededRandom(++seeds), users });
    const group = groups("guild/7", 1_000, () => {});
    await there(1_000).add("early");
    await group.renew(dayMs);
    await ended(1_000);
    expect(await group.members()).toEqual(["early", "late"]);
  }, 20_000);

  test("two that create, add and delete at once leave a group that holds together", async () => {
    const { store, here, there } = await servers();
    for (let round = 0; round < 10; round++) {
      const added = Promise.all([here(dayMs).add("ann"), there(dayMs).add("bob"), here(dayMs).add("cyd")]);
      const gone = round % 2 === 1 ? there(dayMs).delete() : undefined;
      await Promise.all([added, gone]);
      const left = await here(dayMs).members();
      if (!gone) expect(left).toEqual(["ann", "bob", "cyd"]);
      expect(await store.count("user-groups/")).toBeLessThanOrEqual(1);
      await there(dayMs).delete();
      await here(dayMs).delete();
      expect([await store.count("user-groups/"), await store.count("user-group-members/")]).toEqual([0, 0]);
    }
  });

  test("is a set, whatever is done to it", async () => {
    const { here, there } = await servers();
    const names = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d"), { maxLength: 3 });
    const step = fc.record({ what: fc.constantFrom("add", "remove", "delete", "create", "renew"), names, at: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const model = new Set<string>();
        let isThere = false;
        await here(dayMs).delete();
        for (const { what, names: users, at } of steps) {
          const group = (at ? here : there)(dayMs);
          if (what === "add") await group.add(...users);
          else if (what === "remove") await group.remove(...users);
          else if (what === "delete") await group.delete();
          else if (what === "create") expect(await group.create()).toBe(!isThere);
          else expect(await group.renew().catch(code)).toBe(isThere ? undefined : "not_found");
          for (const user of users) {
            if (what === "add") model.add(user);
            else if (what === "remove") model.delete(user);
          }
          if (what === "delete") model.clear();
          isThere = what === "delete" ? false : isThere || what === "create" || (what === "add" && users.length > 0);
          expect(await group.members()).toEqual([...model].sort());
          expect(await group.count()).toBe(model.size);
        }
      }),
      { numRuns: 20 },
    );
  }, 60_000);

  test("has a name and a time that make sense", async () => {
    const { store } = await servers();
    const groups = createUserGroups({ store: () => store, random: seededRandom(1), users: () => expect.fail() });
    for (const name of ["", "x".repeat(257), "\udc00"])
      expect(() => groups(name, dayMs, () => {})).toThrow("has 1 to 256 characters");
    for (const ttlMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 11 * 365 * dayMs]) {
      expect(() => groups("guild", ttlMs, () => {})).toThrow("lives for 1 ms to ten years");
    }
    const group = groups("guild", dayMs, () => {});
    expect(await group.add("ann", "").catch(code)).toBe("invalid_argument");
    expect(await group.renew(Number.NaN).catch(code)).toBe("invalid_argument");
    expect(await group.count()).toBe(0);
  });
});

test("members hear what is pushed to a group of users, whichever server pushes, and however often they come back", async () => {
  await using cluster = createTestCluster();
  const hall = new Hall(cluster);
  const room = await cluster.start({ id: "room-1", services: hall.services() });
  const [gate] = [await hall.gate("gate-1"), await hall.gate("gate-2")];
  const guild = room.userGroup("guild/7", { ttlMs: dayMs });
  const [ann, bob] = [await hall.enter("gate-1"), await hall.enter("gate-2")];
  await Promise.all([guild.add("ann", "bob", "eve"), ann.session.bind("ann"), bob.session.bind("bob")]);
  expect(await guild.push(said, text("raid at nine"), { except: "bob" })).toEqual({ missed: ["eve"] });
  await ann.client.close();
  const again = await hall.enter("gate-2");
  await again.session.bind("ann");
  const same = gate.userGroup("guild/7", { ttlMs: dayMs });
  expect(await same.deliver(said, text("raid at ten"), { except: ["eve"] })).toEqual({ missed: [] });
  expect([ann.heard, bob.heard, again.heard]).toEqual([["raid at nine"], ["raid at ten"], ["raid at ten"]]);
  cluster.cutDiscovery("room-1");
  void guild.push(said, text("nobody waits for this"));
  expect(await guild.count().catch(code)).toBe("unavailable");
});
