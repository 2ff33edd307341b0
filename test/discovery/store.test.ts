import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Discovery, etcd, memory, type Store, type StoreWrite } from "../../src/discovery/index.ts";
import { NanoError } from "../../src/error/index.ts";
import { openSockets, until } from "../net/recorder.ts";
import { type Etcd, startEtcd } from "../support/etcd.ts";
import { info, join, type Member } from "./member.ts";

let registry: Etcd;

beforeAll(async () => {
  registry = await startEtcd();
});

afterAll(() => registry?.stop());

const cases: readonly { readonly name: string; create(): Discovery }[] = [
  { name: "memory", create: () => memory() },
  { name: "etcd", create: () => etcd({ endpoints: [registry.endpoint], prefix: `/${randomUUID()}` }) },
];

const code = (reason: unknown): string => NanoError.from(reason).code;

describe.each(cases)("the store of discovery: $name", ({ create }) => {
  const members: Member[] = [];

  afterEach(async () => {
    await Promise.all(members.splice(0).map(({ membership }) => membership.leave()));
    await until(openSockets).toBe(0);
  });

  /** One store, as so many servers have it. */
  async function stores<N extends 1 | 2>(servers: N, discovery = create()): Promise<Store[]> {
    for (let at = 0; at < servers; at++) members.push(await join(discovery, info(`server-${members.length}`)));
    return members.slice(-servers).map(({ membership }) => membership.store);
  }

  async function alone(): Promise<Store> {
    const [store] = await stores(1);
    if (!store) throw new Error("no store");
    return store;
  }

  test("what one writes all read; each write tells what was there before", async () => {
    const [one, two] = (await stores(2)) as [Store, Store];
    expect(await one.write([{ key: "a", value: "1" }])).toEqual([{ done: true, before: undefined }]);
    expect(
      await two.write([
        { key: "a", value: "2" },
        { key: "b", value: "" },
        { key: "c", value: undefined },
      ]),
    ).toEqual([
      { done: true, before: "1" },
      { done: true, before: undefined },
      { done: true, before: undefined },
    ]);
    expect(await one.read(["b", "a", "c"])).toEqual(["", "2", undefined]);
    expect(await one.write([{ key: "a", value: undefined }])).toEqual([{ done: true, before: "2" }]);
    expect(await two.read(["a"])).toEqual([undefined]);
    expect([await one.write([]), await one.read([])]).toEqual([[], []]);
  });

  test("a condition is of its own write, on any key, and looks at what was there before the step", async () => {
    const store = await alone();
    await store.write([{ key: "head", value: "1" }]);
    expect(
      await store.write([
        { key: "head", value: "2", where: { key: "head", value: "1" } },
        { key: "member", value: "m", where: { key: "head", value: "1" } },
        { key: "late", value: "l", where: { key: "head", value: "2" } },
        { key: "new", value: "n", where: { key: "new", value: undefined } },
        { key: "never", value: "x", where: { key: "head", value: undefined } },
      ]),
    ).toEqual([
      { done: true, before: "1" },
      { done: true, before: undefined },
      { done: false, before: undefined },
      { done: true, before: undefined },
      { done: false, before: undefined },
    ]);
    expect(await store.write([{ key: "head", value: undefined, where: { key: "head", value: "1" } }])).toEqual([
      { done: false, before: "2" },
    ]);
    expect(await store.read(["head", "member", "late", "new", "never"])).toEqual(["2", "m", undefined, "n", undefined]);
  });

  test("keys are listed in the order of their bytes, in pages, and counted", async () => {
    const store = await alone();
    const keys = ["p/a", "p/a/b", "p/a0", "p/b", "p/ü", "p/🦊"];
    await store.write([...keys, "p", "q", "o/z"].reverse().map((key) => ({ key, value: key.toUpperCase() })));
    expect((await store.list("p/")).map(({ key }) => key)).toEqual(keys);
    const pages: string[] = [];
    for (let after: string | undefined; ; ) {
      const page = await store.list("p/", { after, limit: 4 });
      expect(page.length).toBeLessThanOrEqual(4);
      if (page.length === 0) break;
      pages.push(...page.map(({ key }) => key));
      after = page.at(-1)?.key;
    }
    expect(pages).toEqual(keys);
    expect(await store.list("p/b")).toEqual([{ key: "p/b", value: "P/B" }]);
    expect([await store.count("p/"), await store.count("p"), await store.count("r")]).toEqual([6, 7, 0]);
    expect(await store.list("r")).toEqual([]);
  });

  test("keys end with their lease; a key that was written again has the last one's", async () => {
    const store = await alone();
    const [one, two] = [await store.lease(60_000), await store.lease(60_000)];
    await store.write(["a", "b", "c"].map((key) => ({ key, value: key, lease: one })));
    await store.write([
      { key: "b", value: "b", lease: two },
      { key: "c", value: "c" },
    ]);
    expect([await store.renew(one), await store.renew(two)]).toEqual([true, true]);
    await store.revoke(one);
    expect(await store.read(["a", "b", "c"])).toEqual([undefined, "b", "c"]);
    expect(await store.renew(one)).toBe(false);
    const writes = [
      { key: "d", value: "d" },
      { key: "a", value: "a", lease: one },
    ];
    expect(await store.write(writes).catch(code)).toBe("not_found");
    expect(await store.read(["a", "d"])).toEqual([undefined, undefined]);
  });

  test("a lease that nobody renews runs out", async () => {
    const store = await alone();
    const [kept, left] = [await store.lease(1_500), await store.lease(1_500)];
    await store.write([
      { key: "kept", value: "1", lease: kept },
      { key: "left", value: "1", lease: left },
    ]);
    await expect
      .poll(async () => [await store.renew(kept), ...(await store.read(["kept", "left"]))], { timeout: 10_000, interval: 200 })
      .toEqual([true, "1", undefined]);
    await store.revoke(kept);
  });

  test("a batch has bounds", async () => {
    const store = await alone();
    const writes = Array.from({ length: 100 }, (_, at) => ({
      key: `k${at}`,
      value: "v",
      where: { key: "none", value: undefined },
    }));
    expect((await store.write(writes)).every(({ done }) => done)).toBe(true);
    expect((await store.read(writes.map(({ key }) => key))).length).toBe(100);
    await expect(store.write([...writes, { key: "more", value: "v" }])).rejects.toThrow("101 keys at once: a store takes 100");
    await expect(store.read([...writes.map(({ key }) => key), "more"])).rejects.toThrow(RangeError);
    await expect(store.write([...writes.slice(0, 2), { key: "k1", value: "w" }])).rejects.toThrow("one key twice in one step");
  });

  test("two that take what nobody has: one gets it", async () => {
    const [one, two] = (await stores(2)) as [Store, Store];
    for (let round = 0; round < 20; round++) {
      const key = `round-${round}`;
      const write = (value: string) => ({ key, value, where: { key, value: undefined } });
      const [[first], [second]] = await Promise.all([one.write([write("one")]), two.write([write("two")])]);
      expect([first?.done, second?.done].filter(Boolean)).toEqual([true]);
      expect((await one.read([key]))[0]).toBe(first?.done ? "one" : "two");
    }
  });

  test("it is a map, whatever is done to it", async () => {
    const key = fc.constantFrom("a", "b", "c");
    const value = fc.option(fc.constantFrom("1", "2"), { nil: undefined });
    const write = fc.record({ key, value, where: fc.option(fc.record({ key, value }), { nil: undefined }) });
    const batches = fc.array(fc.uniqueArray(write, { selector: (one) => one.key, maxLength: 3 }), { maxLength: 8 });
    const discovery = create();
    const [store] = (await stores(1, discovery)) as [Store];
    await fc.assert(
      fc.asyncProperty(batches, async (steps) => {
        const model = new Map<string, string>();
        await store.write(["a", "b", "c"].map((gone) => ({ key: gone, value: undefined })));
        for (const step of steps) {
          const before = new Map(model);
          const expected = step.map((one: StoreWrite) => {
            const done = one.where === undefined || before.get(one.where.key) === one.where.value;
            if (done && one.value === undefined) model.delete(one.key);
            else if (done) model.set(one.key, one.value ?? "");
            return { done, before: before.get(one.key) };
          });
          expect(await store.write(step)).toEqual(expected);
          expect(await store.read(["a", "b", "c"])).toEqual(["a", "b", "c"].map((one) => model.get(one)));
        }
      }),
      { numRuns: 30 },
    );
  });
});
