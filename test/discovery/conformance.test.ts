import { readFile } from "node:fs/promises";
import { type Discovery, type DiscoveryEvents, etcd, type Membership, memory, NanoError, type Store } from "nano-rpc";
import { checkDiscovery, type DiscoveryCheck } from "nano-rpc/testing";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { openSockets, until } from "../net/recorder.ts";
import { type Etcd, startEtcd } from "../support/etcd.ts";
import { mapStore, type Table } from "./map-store.ts";
import { info, join } from "./member.ts";
import { startProxy } from "./proxy.ts";
import { storeDiscovery } from "./store-discovery.ts";

let registry: Etcd;

beforeAll(async () => {
  registry = await startEtcd();
});

afterAll(() => registry?.stop());

afterEach(() => until(openSockets).toBe(0));

/** One for each name, made when it is first asked for. */
function named<T>(create: () => T): (name: string) => T {
  const all = new Map<string, T>();
  return (name) => {
    const one = all.get(name) ?? create();
    all.set(name, one);
    return one;
  };
}

function inMemory(): DiscoveryCheck {
  const cluster = named(() => memory({ leaseMs: 500 }));
  return { create: cluster, kill: (name, id) => cluster(name).abandon(id) };
}

const emptyTable = (): Table => ({ rows: new Map(), leases: new Map() });

describe("a discovery that keeps its promises", () => {
  test("memory", async () => {
    await checkDiscovery(inMemory());
  });

  test("etcd", async () => {
    const killable = await startProxy(registry.endpoint);
    const checked = checkDiscovery({
      create: (cluster, id) =>
        etcd({ endpoints: [id === "killed" ? killable.endpoint : registry.endpoint], prefix: `/${cluster}`, leaseMs: 2_000 }),
      kill: () => killable.cut(),
    });
    await checked.finally(() => killable.close());
  }, 60_000);

  test("one of somebody else, over a store of somebody else", async () => {
    const table = named(emptyTable);
    await checkDiscovery({ create: (cluster) => storeDiscovery(mapStore(table(cluster), () => performance.now())) });
  });
});

test.each(["map-store.ts", "store-discovery.ts"])("docs/discovery.md shows %s as it is", async (file) => {
  const [shown, own] = await Promise.all([
    readFile(new URL("../../docs/discovery.md", import.meta.url), "utf8"),
    readFile(new URL(file, import.meta.url), "utf8"),
  ]);
  expect(shown).toContain(`\`\`\`ts docs/${file}\n${own}\`\`\`\n`);
});

/** What is done wrong, by what a discovery is given and gives. */
interface Wrong {
  readonly events?: (events: DiscoveryEvents) => Partial<DiscoveryEvents>;
  readonly membership?: (membership: Membership) => Partial<Membership>;
  readonly store?: (store: Store) => Partial<Store>;
  readonly join?: (discovery: Discovery) => Discovery["join"];
}

function broken(wrong: Wrong): DiscoveryCheck {
  const { create, kill } = inMemory();
  return {
    ...(kill ? { kill } : {}),
    stepMs: 600,
    create(cluster, id) {
      const right = create(cluster, id);
      const join = wrong.join?.(right) ?? right.join;
      return {
        name: "broken",
        async join(self, schema, events, host) {
          const membership = await join(self, schema, { ...events, ...wrong.events?.(events) }, host);
          const store = { ...membership.store, ...wrong.store?.(membership.store) };
          return { ...membership, store, ...wrong.membership?.({ ...membership, store }) };
        },
      };
    },
  };
}

const never = new Promise<never>(() => {});

describe("a discovery that breaks one is refused, with the name of the step", () => {
  test.each<[string, Wrong, RegExp]>([
    ["tells nobody anything", { events: () => ({ changed: () => {} }) }, /"broken", join: .*"changed"/],
    ["hangs", { join: () => () => never }, /, join: join of b did not settle/],
    ["tells once and never again", { events: ({ changed }) => ({ changed: once(changed) }) }, /, join: b does not hear/],
    ["has no lease", { membership: () => ({ leaseMs: Number.POSITIVE_INFINITY }) }, /, join: leaseMs is Infinity/],
    [
      "loses metadata",
      { events: ({ changed }) => ({ changed: (servers) => changed(servers.map((one) => ({ ...one, metadata: {} }))) }) },
      /, a record: .*metadata/,
    ],
    [
      "rounds incarnations",
      {
        events: ({ changed }) => ({
          changed: (servers) => changed(servers.map((one) => ({ ...one, incarnation: BigInt(Number(one.incarnation)) }))),
        }),
      },
      /, (a record|join): .*/,
    ],
    [
      "has a server for every type",
      {
        events: ({ changed }) => ({
          changed: (servers) => changed(servers.flatMap((one) => one.types.map((type) => ({ ...one, types: [type] })))),
        }),
      },
      /, a record: .*types/,
    ],
    ["forgets updates", { membership: () => ({ update: async () => {} }) }, /, update: the record of room does not arrive/],
    [
      "mixes updates up",
      {
        membership: ({ update }) => ({
          update: async (next) => void (await update({ ...next, version: `${99 - Number(next.version)}` })),
        }),
      },
      /, update: /,
    ],
    ["does not leave", { membership: () => ({ leave: async () => {} }) }, /, leave: watcher does not hear/],
    ["hangs on leaving", { membership: () => ({ leave: () => never }) }, /, leave: it did not settle/],
    [
      "goes on after leaving",
      {
        join: ({ join }) => {
          return async (self, schema, events, host) => {
            const membership = await join(self, schema, events, host);
            const leave = async (): Promise<void> => {
              await membership.leave();
              host.clock.soon(() => events.changed([]));
            };
            return { ...membership, leave };
          };
        },
      },
      /, leave: /,
    ],
    ["forgets schemas", { membership: () => ({ schema: async () => undefined }) }, /, a schema: it is not found/],
    [
      "has a schema for every hash",
      { membership: ({ schema }) => ({ schema: async (hash) => (await schema(hash)) ?? (await schema("cafe")) }) },
      /, a schema: one that nobody brought/,
    ],
    ["fences nobody", { events: () => ({ fenced: () => {} }) }, /, a taken id: whoever had the id before/],
    [
      "fences twice",
      { events: ({ fenced }) => ({ fenced: (by) => [by, by].forEach(fenced) }) },
      /, a taken id: fenced was called twice/,
    ],
    ["names the wrong one", { events: ({ fenced }) => ({ fenced: () => fenced(1n) }) }, /, a taken id: fenced did not name/],
    [
      "says that it is there twice",
      {
        join:
          ({ join }) =>
          async (self, schema, events, host) =>
            join(self, schema, events, host).finally(() => events.available(true)),
      },
      /, join: "available" told true/,
    ],
    ["loses what is written", { store: () => ({ read: async (keys) => keys.map(() => undefined) }) }, /, the store: keys: read/],
    [
      "does not look at conditions",
      { store: ({ write }) => ({ write: (writes) => write(writes.map(({ where: _where, ...rest }) => rest)) }) },
      /, the store: conditions: /,
    ],
    [
      "writes one after the other",
      {
        store: ({ write }) => ({
          async write(writes) {
            const outcomes = [];
            for (const one of writes) outcomes.push(...(await write([one])));
            return outcomes;
          },
        }),
      },
      /, the store: conditions: /,
    ],
    [
      "lists without an order",
      { store: ({ list }) => ({ list: async (...args) => [...(await list(...args))].reverse() }) },
      /, the store: lists: list, by the order/,
    ],
    [
      "has no pages",
      { store: ({ list }) => ({ list: (prefix, options) => list(prefix, { ...options, limit: 1_000 }) }) },
      /, the store: lists: its first page/,
    ],
    [
      "counts wrong",
      { store: ({ count }) => ({ count: async (prefix) => (await count(prefix)) + 1 }) },
      /, the store: lists: count/,
    ],
    [
      "has no leases",
      { store: ({ write }) => ({ write: (writes) => write(writes.map(({ lease: _lease, ...rest }) => rest)) }) },
      /, the store: leases: read after a lease was revoked/,
    ],
    ["renews for ever", { store: () => ({ renew: async () => true }) }, /, the store: leases: renew of a lease that is over/],
    ["renews nothing", { store: ({ renew }) => ({ renew: once(renew) }) }, /, the store: /],
    ["takes any number", { store: () => ({ read: async (keys) => keys.map((key) => key && undefined) }) }, /, the store: /],
  ])("%s", async (_what, wrong, words) => {
    await expect(checkDiscovery(broken(wrong))).rejects.toThrow(words);
  });

  test("keeps what was killed", async () => {
    await expect(checkDiscovery({ ...inMemory(), stepMs: 600, kill: () => {} })).rejects.toThrow(
      /"memory", kill: its record is still there after its lease/,
    );
  });

  test("lets clusters meet", async () => {
    const all = memory();
    await expect(checkDiscovery({ create: () => all, stepMs: 600 })).rejects.toThrow(/"memory", (a record|two clusters): /);
  });
});

/** Does it once. */
function once<A extends unknown[], R>(call: (...args: A) => R): (...args: A) => R {
  let result: { readonly value: R } | undefined;
  return (...args) => {
    result ??= { value: call(...args) };
    return result.value;
  };
}

test.each<[string, () => Discovery]>([
  ["memory", () => memory()],
  ["etcd", () => etcd({ endpoints: [registry.endpoint], prefix: `/${crypto.randomUUID()}` })],
])("%s refuses a record over 4 KiB, at the start and later, and what was there stays", async (_name, create) => {
  const discovery = create();
  const large = { metadata: { text: "é".repeat(2_000) } };
  const refused = await join(discovery, info("large", large)).catch(NanoError.from);
  expect(refused).toMatchObject({ code: "invalid_argument" });
  const watcher = await join(discovery, info("watcher"));
  const { self, membership } = await join(discovery, info("room"));
  await expect(membership.update({ ...self, ...large })).rejects.toThrow(/room.*4096/);
  await membership.update({ ...self, version: "after" });
  await until(() => watcher.find("room")).toEqual({ ...self, version: "after" });
  expect(watcher.ids).toEqual(["room", "watcher"]);
  await membership.leave();
  await watcher.membership.leave();
});
