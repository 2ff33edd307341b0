import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createVirtualClock, type VirtualClock } from "../../src/clock/index.ts";
import { createMemoryStore } from "../../src/discovery/memory-store.ts";
import type { Store } from "../../src/discovery/store.ts";
import { NanoError } from "../../src/error/index.ts";
import { silentLogger } from "../../src/logger/index.ts";
import { createOwnership, type Ownership, WrongServer } from "../../src/router/index.ts";
import { createVirtualTime } from "../../src/testing/virtual-time.ts";

const leaseMs = 10_000;
const type = "room";

/** How a store answers one server. */
type Way = "well" | "slowly" | "not at all" | "too late" | "after its time" | "never";

interface Server {
  readonly incarnation: bigint;
  readonly ownership: Ownership;
  /** What has left, as "a lost". */
  readonly left: string[];
  way: Way;
}

interface World {
  readonly clock: VirtualClock;
  readonly store: Store;
  readonly servers: readonly Server[];
  /** Moves the clock, and lets everything happen that follows. */
  pass(ms: number): Promise<void>;
}

function world(count: number, onRelease: () => Promise<void> = async () => {}, maxKeys?: number): World {
  const clock = createVirtualClock();
  const memory = createMemoryStore();
  const store = memory(() => clock.now());
  const servers = Array.from({ length: count }, (_, at): Server => {
    const incarnation = BigInt(at + 1);
    const left: string[] = [];
    const answering = <A extends unknown[], T>(call: (...args: A) => Promise<T>) => {
      return async (...args: A): Promise<T> => {
        const { way } = server;
        if (way === "not at all") throw new NanoError({ code: "unavailable", message: "away" });
        if (way === "after its time") {
          clock.after(2_000, () => void call(...args).catch(() => {}));
          throw new NanoError({ code: "deadline_exceeded", message: "it may be done yet" });
        }
        if (way === "never") {
          await new Promise<void>((resolve) => void clock.after(3_000, resolve));
          throw new NanoError({ code: "deadline_exceeded", message: "nobody answers" });
        }
        const answer = await call(...args);
        if (way === "slowly") await new Promise<void>((resolve) => void clock.after(4_000, resolve));
        if (way === "too late") throw new NanoError({ code: "deadline_exceeded", message: "it may have been done" });
        return answer;
      };
    };
    const own: Store = {
      ...store,
      write: answering(store.write),
      lease: answering(store.lease),
      renew: answering(store.renew),
      revoke: answering(store.revoke),
    };
    const ownership = createOwnership({
      ...{ clock, incarnation, log: silentLogger },
      store: () => own,
      leaseMs: () => leaseMs,
      async onRelease(_type, key, why) {
        left.push(`${key} ${why}`);
        await onRelease();
      },
      ...(maxKeys === undefined ? {} : { maxKeys }),
    });
    const server = { incarnation, ownership, left, way: "well" as Way };
    return server;
  });
  const time = createVirtualTime(clock, () => 0);
  return { clock, store, servers, pass: (ms) => (ms === 0 ? time.settle() : time.advance(ms)) };
}

/** Enters and leaves at once: "here", the incarnation that has it, or the code. */
async function ask({ ownership }: Server, key: string): Promise<string> {
  try {
    ownership.left(await ownership.enter(type, key));
    return "here";
  } catch (reason) {
    return reason instanceof WrongServer ? `at ${reason.home}` : NanoError.from(reason).code;
  }
}

/** Whether a server would answer for a key now. */
function holds({ ownership }: Server, key: string): boolean {
  if (!ownership.keys(type).includes(key)) return false;
  try {
    const home = ownership.enter(type, key);
    if (home instanceof Promise) throw new Error("it is at home, and not at once");
    ownership.left(home);
    return true;
  } catch (reason) {
    if (reason instanceof NanoError) return false;
    throw reason;
  }
}

function pair(): [World, Server, Server] {
  const made = world(2);
  const [one, two] = made.servers;
  if (!one || !two) throw new Error("no servers");
  return [made, one, two];
}

describe("createOwnership()", () => {
  test("claims a key once, for all that ask at the same time, and then knows it at once", async () => {
    const [, one, two] = pair();
    const all = await Promise.all([...Array(5)].flatMap(() => [ask(one, "a"), ask(two, "a")]));
    expect(new Set(all)).toEqual(new Set(["here", "at 1"]));
    expect(holds(one, "a")).toBe(true);
    expect([one.ownership.keys(type), two.ownership.keys(type), one.ownership.keys("other")]).toEqual([["a"], [], []]);
  });

  test("claims hundreds in a turn", async () => {
    const [made, one, two] = pair();
    const keys = Array.from({ length: 350 }, (_, at) => `k${at}`);
    expect(new Set(await Promise.all(keys.map((key) => ask(one, key))))).toEqual(new Set(["here"]));
    expect(await made.store.count("own/room/")).toBe(350);
    expect(new Set(await Promise.all(keys.map((key) => ask(two, key))))).toEqual(new Set(["at 1"]));
    await one.ownership.releaseAll(made.clock.now() + 1_000);
    expect(await made.store.count("own/room/")).toBe(0);
    expect(one.left.length).toBe(350);
  });

  test("keys of two types are two keys", async () => {
    const [, one, two] = pair();
    one.ownership.left(await one.ownership.enter("room", "a"));
    two.ownership.left(await two.ownership.enter("hall", "a"));
    expect([one.ownership.keys("room"), two.ownership.keys("hall")]).toEqual([["a"], ["a"]]);
  });

  test("a claim whose answer was lost is found to be its own; elsewhere it is known as such", async () => {
    const [made, one, two] = pair();
    await ask(one, "first");
    one.way = "too late";
    expect(await ask(one, "a")).toBe("deadline_exceeded");
    one.way = "well";
    expect([await ask(two, "a"), await ask(one, "a")]).toEqual(["at 1", "here"]);
    await made.pass(30_000);
    expect([await ask(two, "a"), holds(one, "a")]).toEqual(["at 1", true]);
  });

  test("of a store that does not answer all hear at the same time, and at once where that is known", async () => {
    const [made, one] = pair();
    await ask(one, "first");
    one.way = "never";
    const outcomes: string[] = [];
    const note = (outcome: string): void => void outcomes.push(outcome);
    void ask(one, "a").then(note);
    await made.pass(0);
    // It comes behind that call, and does not make one of its own when that has failed.
    void ask(one, "b").then(note);
    await made.pass(3_000);
    expect(outcomes).toEqual(["deadline_exceeded", "deadline_exceeded"]);
    await made.pass(leaseMs);
    void ask(one, "c").then(note);
    await made.pass(0);
    expect(outcomes.slice(2)).toEqual(["unavailable"]);
    one.way = "well";
    await made.pass(5_000);
    expect([await ask(one, "c"), await ask(one, "a")]).toEqual(["here", "here"]);
  });

  test("a release that is done after its time takes nothing away that was claimed since", async () => {
    const [made, one, two] = pair();
    await ask(one, "a");
    one.way = "after its time";
    await one.ownership.release(type, "a");
    one.way = "well";
    expect(await ask(one, "a")).toBe("here");
    await made.pass(5_000);
    expect([holds(one, "a"), await ask(two, "a")]).toEqual([true, "at 1"]);
  });

  test("a lease that goes without a word is lost within a fifth of its time: the hook hears of every key", async () => {
    const [made, one, two] = pair();
    for (const key of ["a", "b"]) await ask(one, key);
    await made.store.revoke("1");
    await made.pass(leaseMs / 5 + 1_000);
    expect(one.left.sort()).toEqual(["a lost", "b lost"]);
    expect([await ask(two, "a"), await ask(one, "a"), await ask(one, "b")]).toEqual(["here", "at 2", "here"]);
  });

  test("a lease that a claim finds to be over is lost then, and the claim is made under another", async () => {
    const [made, one] = pair();
    await ask(one, "a");
    await made.store.revoke("1");
    expect(await ask(one, "b")).toBe("here");
    expect([one.left, one.ownership.keys(type)]).toEqual([["a lost"], ["b"]]);
  });

  test("a claim whose lease is lost before its answer comes is none", async () => {
    const [made, one, two] = pair();
    await ask(one, "a");
    one.way = "slowly";
    const claim = ask(one, "b");
    await made.pass(0);
    one.way = "well";
    await made.store.revoke("1");
    await made.pass(leaseMs / 5 + 1_000);
    expect([one.left, await ask(two, "b")]).toEqual([["a lost"], "here"]);
    await made.pass(2_000);
    expect([await claim, holds(one, "b"), await ask(one, "b")]).toEqual(["unavailable", false, "at 2"]);
  });

  test("has at most so many keys", async () => {
    const made = world(1, undefined, 3);
    const [one] = made.servers;
    if (!one) throw new Error("no server");
    expect(await Promise.all(["a", "b", "c", "d"].map((key) => ask(one, key)))).toEqual([
      "here",
      "here",
      "here",
      "resource_exhausted",
    ]);
    expect(await ask(one, "a")).toBe("here");
    await one.ownership.release(type, "b");
    expect(await ask(one, "d")).toBe("here");
  });

  test("a hook that fails, or takes too long, keeps no key", async () => {
    for (const hook of [() => Promise.reject(new Error("no room is saved")), () => new Promise<void>(() => {})]) {
      const made = world(1, hook);
      const [one] = made.servers;
      if (!one) throw new Error("no server");
      await ask(one, "a");
      const released = one.ownership.releaseAll(made.clock.now() + 2_000);
      await made.pass(2_500);
      await released;
      expect([one.left, await made.store.count("own/")]).toEqual([["a drain"], 0]);
      expect(await ask(one, "a")).toBe("at 0");
    }
  });

  test("stop() gives everything back, and answers nothing more", async () => {
    const [made, one, two] = pair();
    for (const key of ["a", "b"]) await ask(one, key);
    await one.ownership.stop();
    expect(await made.store.count("own/")).toBe(0);
    expect([await ask(one, "a"), await ask(one, "c"), await ask(two, "a")]).toEqual(["at 0", "unavailable", "here"]);
    await made.pass(60_000);
    expect(await ask(two, "a")).toBe("here");
  });
});

describe("whatever becomes of their calls to the store", () => {
  const keys = ["a", "b", "c"];
  const server = fc.nat(2);
  const key = fc.constantFrom(...keys);
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ what: fc.constant("ask" as const), server, key }) },
    { weight: 2, arbitrary: fc.record({ what: fc.constant("release" as const), server, key }) },
    {
      weight: 3,
      arbitrary: fc.record({ what: fc.constant("pass" as const), ms: fc.constantFrom(0, 300, 1_900, 4_000, 9_000, 12_000) }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        what: fc.constant("way" as const),
        server,
        way: fc.constantFrom<Way>("well", "slowly", "not at all", "too late", "after its time"),
      }),
    },
  );

  test("no key ever has two homes, and in the end everyone agrees on one", async () => {
    let moved = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const made = world(3);
        const check = (): void => {
          for (const one of keys) expect(made.servers.filter((each) => holds(each, one)).length, one).toBeLessThanOrEqual(1);
        };
        for (const one of steps) {
          if (one.what === "pass") {
            // In small steps: it must hold all the time.
            for (let left = one.ms; left > 0; left -= 500) {
              await made.pass(Math.min(500, left));
              check();
            }
            if (one.ms === 0) await made.pass(0);
            check();
            continue;
          }
          const concerned = made.servers[one.server];
          if (!concerned) continue;
          if (one.what === "way") concerned.way = one.way;
          else if (one.what === "ask") void ask(concerned, one.key);
          else void concerned.ownership.release(type, one.key);
          check();
        }
        for (const each of made.servers) each.way = "well";
        await made.pass(30_000);
        for (const one of keys) {
          const answers = [];
          for (const each of made.servers) answers.push(await ask(each, one));
          const home = answers.indexOf("here");
          expect(answers, one).toEqual(made.servers.map((_, at) => (at === home ? "here" : `at ${home + 1}`)));
          if (home > 0) moved++;
          check();
        }
      }),
      { numRuns: 60 },
    );
    expect(moved).toBeGreaterThan(5);
  }, 60_000);
});
