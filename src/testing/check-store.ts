import { seededRandom } from "../clock/index.ts";
import type { Store, StoreEntry, StoreWrite, StoreWritten } from "../discovery/index.ts";
import { NanoError } from "../error/index.ts";
import type { DiscoveryBench, DiscoveryStep } from "./check-discovery.ts";
import { recordOf } from "./checked-member.ts";

const longMs = 60_000;
const shortMs = 1_500;
const mostKeys = 100;
const rounds = 20;

/** A step that needs the store as two servers have it. */
function withStores(run: (one: Store, two: Store, bench: DiscoveryBench) => Promise<void>): DiscoveryStep {
  return async (bench) => {
    const [one, two] = [await bench.enter(recordOf("one")), await bench.enter(recordOf("two"))];
    await run(one.membership.store, two.membership.store, bench);
  };
}

/** Throws where a call gave something else. */
async function gives<T>(what: string, call: Promise<T>, expected: T): Promise<void> {
  const [given, wanted] = [textOf(await call), textOf(expected)];
  if (given !== wanted) throw new Error(`${what} gave ${given} instead of ${wanted}`);
}

async function rejects(what: string, call: Promise<unknown>, fits: (reason: unknown) => boolean): Promise<void> {
  const reason = await call.then(
    () => undefined,
    (thrown: unknown) => thrown ?? "nothing",
  );
  if (reason === undefined) throw new Error(`${what} did not reject`);
  if (!fits(reason)) throw new Error(`${what} rejected with ${reason}`);
}

function textOf(value: unknown): string {
  const words = JSON.stringify(value, (_key, part: unknown) => (part === undefined ? "(nothing)" : part)) ?? "(nothing)";
  return words.length > 400 ? `${words.slice(0, 400)}… (${words.length} characters)` : words;
}

function results(...pairs: readonly (readonly [done: boolean, before: string | undefined])[]): readonly StoreWritten[] {
  return pairs.map(([done, before]) => ({ done, before }));
}

/** The fields in their order, whatever else a store gives. */
async function written(call: Promise<readonly StoreWritten[]>): Promise<readonly StoreWritten[]> {
  return (await call).map(({ done, before }) => ({ done, before }));
}

async function listed(call: Promise<readonly StoreEntry[]>): Promise<readonly string[]> {
  return (await call).map(({ key, value }) => `${key}=${value}`);
}

/** What servers may rely on about what they remember together. */
export const storeSteps: Readonly<Record<string, DiscoveryStep>> = {
  "the store: keys": withStores(async (one, two) => {
    await gives("the first write", written(one.write([{ key: "a", value: "1" }])), results([true, undefined]));
    const writes = [
      { key: "a", value: "2" },
      { key: "b", value: "" },
      { key: "c", value: undefined },
    ];
    await gives("a write of three", written(two.write(writes)), results([true, "1"], [true, undefined], [true, undefined]));
    await gives("read, by another server,", one.read(["b", "a", "c"]), ["", "2", undefined]);
    await gives("taking a key away", written(one.write([{ key: "a", value: undefined }])), results([true, "2"]));
    await gives("read of what was taken away", two.read(["a"]), [undefined]);
    await gives("a write of nothing", one.write([]), []);
    await gives("a read of nothing", one.read([]), []);
  }),
  "the store: conditions": withStores(async (store) => {
    await store.write([{ key: "head", value: "1" }]);
    const writes: readonly StoreWrite[] = [
      { key: "head", value: "2", where: { key: "head", value: "1" } },
      { key: "member", value: "m", where: { key: "head", value: "1" } },
      { key: "late", value: "l", where: { key: "head", value: "2" } },
      { key: "new", value: "n", where: { key: "new", value: undefined } },
      { key: "never", value: "x", where: { key: "head", value: undefined } },
    ];
    const outcome = results([true, "1"], [true, undefined], [false, undefined], [true, undefined], [false, undefined]);
    await gives("a write with conditions, which look at what was before it,", written(store.write(writes)), outcome);
    const stale = [{ key: "head", value: undefined, where: { key: "head", value: "1" } }];
    await gives("taking a key away that has another value", written(store.write(stale)), results([false, "2"]));
    const keys = ["head", "member", "late", "new", "never"];
    await gives("read after writes with conditions", store.read(keys), ["2", "m", undefined, "n", undefined]);
  }),
  "the store: rivals": withStores(async (one, two) => {
    for (let round = 0; round < rounds; round++) {
      const key = `round-${round}`;
      const take = (value: string): StoreWrite[] => [{ key, value, where: { key, value: undefined } }];
      const [[first], [second]] = await Promise.all([one.write(take("one")), two.write(take("two"))]);
      if (first?.done === second?.done) throw new Error("of two that take what nobody has, not one got it");
      await gives("read of what one of two took", one.read([key]), [first?.done ? "one" : "two"]);
    }
  }),
  "the store: lists": withStores(async (store) => {
    const keys = ["p/a", "p/a/b", "p/a0", "p/b", "p/ü", "p/🦊"];
    await store.write([...keys, "p", "q", "o/z"].reverse().map((key) => ({ key, value: key.toUpperCase() })));
    const all = keys.map((key) => `${key}=${key.toUpperCase()}`);
    await gives("list, by the order of bytes,", listed(store.list("p/")), all);
    await gives("its first page", listed(store.list("p/", { limit: 4 })), all.slice(0, 4));
    await gives("its second page", listed(store.list("p/", { after: "p/b", limit: 4 })), all.slice(4));
    await gives("the page after its last", listed(store.list("p/", { after: "p/🦊" })), []);
    await gives("a list of what is not there", listed(store.list("r")), []);
    await gives("count", Promise.all([store.count("p/"), store.count("p"), store.count("r")]), [6, 7, 0]);
  }),
  "the store: leases": withStores(async (store, two) => {
    const [one, other] = [await store.lease(longMs), await store.lease(longMs)];
    await store.write(["a", "b", "c"].map((key) => ({ key, value: key, lease: one })));
    await store.write([
      { key: "b", value: "b", lease: other },
      { key: "c", value: "c" },
    ]);
    await gives("renew", Promise.all([store.renew(one), two.renew(other)]), [true, true]);
    await store.revoke(one);
    const left = two.read(["a", "b", "c"]);
    await gives("read after a lease was revoked (a key has the lease it was last written with)", left, [undefined, "b", "c"]);
    await gives("renew of a lease that is over", store.renew(one), false);
    const writes = [
      { key: "d", value: "d" },
      { key: "a", value: "a", lease: one },
    ];
    const isNotFound = (reason: unknown): boolean => NanoError.from(reason).code === "not_found";
    await rejects("a write under a lease that is over", store.write(writes), isNotFound);
    await gives("read after a write that was refused", store.read(["a", "d"]), [undefined, undefined]);
  }),
  "the store: a lease that runs out": withStores(async (store, _two, bench) => {
    const [kept, left] = [await store.lease(shortMs), await store.lease(shortMs)];
    await store.write([
      { key: "kept", value: "1", lease: kept },
      { key: "left", value: "1", lease: left },
    ]);
    await gives("read under leases that are not over", store.read(["kept", "left"]), ["1", "1"]);
    let renewed = true;
    const gone = async (): Promise<boolean> => {
      renewed &&= await store.renew(kept);
      return (await store.read(["left"]))[0] === undefined;
    };
    await bench.until(gone, "a key is still there after its lease", shortMs);
    if (!renewed) throw new Error("a lease ended though it was renewed");
    await gives("read under a lease that is renewed", store.read(["kept"]), ["1"]);
  }),
  "the store: bounds": withStores(async (store) => {
    const where = { key: "none", value: undefined };
    const writes = Array.from({ length: mostKeys }, (_, at) => ({ key: `k${at}`, value: "v", where }));
    const done = (await store.write(writes)).filter((one) => one.done).length;
    if (done !== mostKeys) throw new Error(`of ${mostKeys} writes in one step ${done} were done`);
    const keys = writes.map(({ key }) => key);
    await gives(
      "a read of so many",
      store.read(keys),
      keys.map(() => "v"),
    );
    const isRangeError = (reason: unknown): boolean => reason instanceof RangeError;
    await rejects(`a write of ${mostKeys + 1} keys`, store.write([...writes, { key: "more", value: "v" }]), isRangeError);
    await rejects(`a read of ${mostKeys + 1} keys`, store.read([...keys, "more"]), isRangeError);
    const twice = [...writes.slice(0, 2), { key: "k1", value: "w" }];
    await rejects("a write of one key twice", store.write(twice), (reason) => reason instanceof TypeError);
  }),
  "the store: whatever is done to it": withStores(async (store) => {
    const random = seededRandom(7);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random.next() * list.length)] as T;
    const keys = ["a", "b", "c"];
    const values = ["1", "2", undefined];
    const model = new Map<string, string>();
    for (let step = 0; step < 3 * rounds; step++) {
      const before = new Map(model);
      const writes = keys
        .filter(() => random.next() < 0.7)
        .map(
          (key): StoreWrite => ({
            ...{ key, value: pick(values) },
            where: random.next() < 0.5 ? undefined : { key: pick(keys), value: pick(values) },
          }),
        );
      const outcome = writes.map(({ key, value, where }) => {
        const done = where === undefined || before.get(where.key) === where.value;
        if (done && value === undefined) model.delete(key);
        else if (done) model.set(key, value ?? "");
        return { done, before: before.get(key) };
      });
      await gives(`the write ${textOf(writes)} onto ${textOf([...before])}`, written(store.write(writes)), outcome);
      await gives(
        `read after the write ${textOf(writes)}`,
        store.read(keys),
        keys.map((key) => model.get(key)),
      );
    }
  }),
};
