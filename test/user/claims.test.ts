import { beforeEach, describe, expect, test } from "vitest";
import { type Clock, createVirtualClock, turn, type VirtualClock } from "../../src/clock/index.ts";
import { createRecordSeal, type MemoryDiscovery, memory, type Store } from "../../src/discovery/index.ts";
import { type CloseReason, NanoError } from "../../src/error/index.ts";
import { silentLogger } from "../../src/logger/index.ts";
import { createVirtualTime, type VirtualTime } from "../../src/testing/virtual-time.ts";
import { decodeBinding, userKey } from "../../src/user/binding.ts";
import { createClaims, createUserTable, type UserSession, type UserTable } from "../../src/user/index.ts";
import { info } from "../discovery/member.ts";

let clock: VirtualClock;
let time: VirtualTime;
let discovery: MemoryDiscovery;
let store: Store;

beforeEach(async () => {
  clock = createVirtualClock();
  time = createVirtualTime(clock, () => 0);
  discovery = memory();
  const events = { changed() {}, fenced() {}, available() {} };
  const host = {
    clock,
    random: { next: () => 0, bytes: () => new Uint8Array(8) },
    log: silentLogger,
    seal: createRecordSeal([]),
  };
  ({ store } = await discovery.join(info("any"), undefined, events, host));
});

/** A session that only ends. */
class Session implements UserSession {
  readonly id: string;
  isOver = false;
  why: CloseReason | undefined;
  readonly #ended: (session: Session) => void;

  constructor(id: string, ended: (session: Session) => void) {
    this.id = id;
    this.#ended = ended;
  }

  async end(reason: CloseReason): Promise<void> {
    if (this.isOver) return;
    this.isOver = true;
    this.why = reason;
    this.#ended(this);
  }
}

/** A frontend with nothing but its users. Others are asked through `reach`: false where that does not arrive. */
class Frontend {
  readonly table: UserTable<Session>;
  readonly claims: ReturnType<typeof createClaims>;
  readonly incarnation: bigint;
  reach = true;
  #ids = 0;

  constructor(incarnation: bigint, others: Frontend[], own: Store = store, aheadMs = 0) {
    this.incarnation = incarnation;
    const ticking: Clock = { ...clock, now: () => clock.now(), wallNow: () => clock.wallNow() + aheadMs };
    this.claims = createClaims({
      clock: ticking,
      log: silentLogger,
      store: () => own,
      leaseMs: () => 10_000,
      lost: (mine, { user, session, boundMs }) => void this.table.claimed({ user, session, boundMs, former: mine.session }),
      took: () => {},
    });
    const rivals = {
      end: async (former: { readonly incarnation: bigint; readonly session: string }, { user, session, boundMs }: Bound) => {
        const other = others.find((one) => one.incarnation === former.incarnation);
        if (!other || !this.reach) return "timed_out" as const;
        return other.table.claimed({ user, session, boundMs, former: former.session });
      },
      announce: async () => "none" as const,
    };
    const self = { id: `gate-${incarnation}`, incarnation };
    this.table = createUserTable<Session>({ clock: ticking, self, single: { claims: this.claims, rivals, strict: false } });
    this.claims.start();
    others.push(this);
  }

  session(user: string): Session {
    return new Session(`${this.incarnation}${this.#ids++}`.padStart(32, "0"), (session) => this.table.release(user, session));
  }

  bind(user: string, session: Session): Promise<string> {
    return this.table.bind(user, session, () => {}).catch((reason: unknown) => NanoError.from(reason).code);
  }
}

interface Bound {
  readonly user: string;
  readonly session: string;
  readonly boundMs: number;
}

const holder = async (user: string): Promise<string | undefined> => {
  const [text] = await store.read([userKey(user)]);
  return decodeBinding(user, text)?.session;
};

describe("two frontends that bind one user", () => {
  test("the earlier may hear of the later before of its own: it ends, and the later stays", async () => {
    const all: Frontend[] = [];
    const answer = Promise.withResolvers<void>();
    const slow: Store = {
      ...store,
      async write(writes) {
        const written = await store.write(writes);
        await answer.promise;
        return written;
      },
    };
    const [one, two] = [new Frontend(1n, all, slow), new Frontend(2n, all)];
    const [first, second] = [one.session("ann"), two.session("ann")];
    const binding = one.bind("ann", first);
    await time.settle();
    expect(await holder("ann")).toBe(first.id);
    expect(await two.bind("ann", second)).toBe("ended");
    expect(first.why?.code).toBe("replaced");
    answer.resolve();
    expect(await binding).toBe("not_found");
    await time.advance(70_000);
    expect([await holder("ann"), second.isOver, one.table.has("ann")]).toEqual([second.id, false, false]);
  });

  test("whatever their clocks say, whoever wrote last stays, also where the other was never told", async () => {
    for (const aheadMs of [-3_600_000, 3_600_000]) {
      const all: Frontend[] = [];
      const [one, two] = [new Frontend(1n, all), new Frontend(2n, all, store, aheadMs)];
      two.reach = false;
      const [first, second] = [one.session("ann"), two.session("ann")];
      expect(await one.bind("ann", first)).toBe("none");
      expect(await two.bind("ann", second)).toBe("timed_out");
      expect([first.isOver, second.isOver]).toEqual([false, false]);
      await time.advance(65_000);
      expect([first.why?.code, second.isOver, await holder("ann")]).toEqual(["replaced", false, second.id]);
      await second.end({ kind: "left", message: "" });
      await time.settle();
      expect(await holder("ann")).toBeUndefined();
    }
  });
});

describe("what one frontend writes", () => {
  /** A store that keeps how it was asked. */
  function watched(): {
    readonly own: Store;
    readonly writes: number[];
    readonly leases: string[];
    readonly names: Map<string, number>;
    /** What was written while it was being written. */
    readonly twice: readonly string[];
    /** How many writes there were at once, at most. */
    readonly most: () => number;
  } {
    const writes: number[] = [];
    const leases: string[] = [];
    const names = new Map<string, number>();
    const underway = new Set<string>();
    const twice: string[] = [];
    let [active, most] = [0, 0];
    const own: Store = {
      ...store,
      async write(batch) {
        writes.push(batch.length);
        most = Math.max(most, ++active);
        for (const { key } of batch) if (underway.has(key)) twice.push(key);
        for (const { key } of batch) underway.add(key);
        await turn();
        active--;
        for (const { key } of batch) underway.delete(key);
        for (const { lease = "", value } of batch) if (value !== undefined) names.set(lease, (names.get(lease) ?? 0) + 1);
        return store.write(batch);
      },
      async lease(ttlMs) {
        const lease = await store.lease(ttlMs);
        leases.push(lease);
        return lease;
      },
    };
    return { own, writes, leases, names, twice, most: () => most };
  }

  test("is written also where it follows at once on the answer to another", async () => {
    const { claims } = new Frontend(1n, []);
    const claim = (user: string) =>
      claims.claim({ user, frontend: "gate-1", incarnation: 1n, session: user.padStart(32, "0"), boundMs: 1 });
    const both = claim("0a").then(() => claim("0b"));
    await time.settle();
    expect(await Promise.race([both.then(() => "both"), time.settle().then(() => "one")])).toBe("both");
    expect(await holder("0b")).toBe("0b".padStart(32, "0"));
  });

  test("goes in batches of a hundred, on leases of at most a thousand keys, and is kept alive", async () => {
    const { own, writes, leases, names, most } = watched();
    const one = new Frontend(1n, [], own);
    const users = Array.from({ length: 2_350 }, (_, at) => `user-${at}`);
    const sessions = users.map((user) => one.session(user));
    const bound = await Promise.all(sessions.map((session, at) => one.bind(users[at] ?? "", session)));
    expect(new Set(bound)).toEqual(new Set(["none"]));
    expect(writes.sort((few, many) => many - few)).toEqual([...Array.from({ length: 23 }, () => 100), 50]);
    expect(most()).toBe(4);
    expect([leases.length, Math.max(...names.values())]).toEqual([3, 1_000]);
    await time.advance(60_000);
    expect(await store.count("users/")).toBe(2_350);
    await Promise.all(sessions.map((session) => session.end({ kind: "left", message: "" })));
    await expect.poll(() => store.count("users/"), { timeout: 10_000 }).toBe(0);
    // There is room again.
    await one.bind("new", one.session("new"));
    expect(leases.length).toBe(3);
  });

  test("of one user goes in its order, whatever else is written at once", async () => {
    const { own, twice } = watched();
    const one = new Frontend(1n, [], own);
    let crowded = 0;
    const crowd = (): void => {
      for (let at = 0; at < 250; at++) void one.bind(`user-${++crowded}`, one.session("crowd"));
    };
    const outcomes: Promise<string>[] = [];
    let last = one.session("ann");
    for (let round = 0; round < 8; round++) {
      crowd();
      last = one.session("ann");
      outcomes.push(one.bind("ann", last));
      if (round % 3 === 2) await turn();
    }
    crowd();
    await time.settle();
    await Promise.all(outcomes);
    await time.advance(2_000);
    expect([await holder("ann"), last.isOver]).toEqual([last.id, false]);
    expect([...one.table.of("ann")]).toEqual([last]);
    expect(twice).toEqual([]);
  });

  test("comes back when its lease was lost, and is gone when it stops", async () => {
    const { own, leases } = watched();
    const one = new Frontend(1n, [], own);
    const [ann, bob] = [one.session("ann"), one.session("bob")];
    await Promise.all([one.bind("ann", ann), one.bind("bob", bob)]);
    for (const lease of leases.splice(0)) await store.revoke(lease);
    expect(await store.count("users/")).toBe(0);
    // The next write finds out, before the lease would be renewed.
    await one.bind("cyd", one.session("cyd"));
    await time.advance(1_500);
    expect([await holder("ann"), await holder("bob"), leases.length]).toEqual([ann.id, bob.id, 1]);
    await one.claims.stop();
    expect(await store.count("users/")).toBe(0);
    expect(await one.bind("eve", one.session("eve"))).toBe("none");
    expect(await store.count("users/")).toBe(0);
  });

  test("of a session that ended while the store was away is taken back when it answers", async () => {
    let isAway = false;
    const own: Store = {
      ...store,
      async write(writes) {
        if (isAway) throw new NanoError({ code: "unavailable", message: "away" });
        return store.write(writes);
      },
    };
    const one = new Frontend(1n, [], own);
    const [ann, bob] = [one.session("ann"), one.session("bob")];
    await Promise.all([one.bind("ann", ann), one.bind("bob", bob)]);
    isAway = true;
    await ann.end({ kind: "left", message: "" });
    await time.advance(3_000);
    expect(await holder("ann")).toBe(ann.id);
    isAway = false;
    await time.advance(2_000);
    expect([await holder("ann"), await holder("bob")]).toEqual([undefined, bob.id]);
  });

  test("takes the place of what is no binding", async () => {
    await store.write([
      { key: userKey("ann"), value: "rubbish" },
      { key: userKey("bob"), value: "x".repeat(5_000) },
    ]);
    const one = new Frontend(1n, []);
    const ann = one.session("ann");
    expect([await one.bind("ann", ann), await one.bind("bob", one.session("bob"))]).toEqual(["none", "none"]);
    expect(await holder("ann")).toBe(ann.id);
    await store.write([{ key: userKey("ann"), value: "{}" }]);
    await time.advance(65_000);
    expect([ann.isOver, await holder("ann")]).toEqual([false, ann.id]);
  });
});
