import { NanoError, type Server } from "nano-rpc";
import { createTestCluster, type TestCluster } from "nano-rpc/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Guest, Hall, said, text } from "./hall.ts";

let cluster: TestCluster;
let hall: Hall;
let room: Server;

beforeEach(async () => {
  cluster = createTestCluster();
  hall = new Hall(cluster);
  room = await cluster.start({ id: "room-1", services: hall.services() });
});

afterEach(() => cluster.stop());

/** What a promise gives, once nothing happens any more; it must not need the clock. */
async function now<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  await cluster.settle();
  return Promise.race([
    promise,
    cluster.settle().then(() => {
      throw new Error("nothing came of it");
    }),
  ]);
}

async function login(gate: string, user: string): Promise<Guest> {
  const guest = await hall.enter(gate);
  await now(guest.session.bind(user));
  return guest;
}

const code = (reason: unknown): string => NanoError.from(reason).code;

describe("users by their ids", () => {
  let gates: Server[];

  beforeEach(async () => {
    gates = [await hall.gate("gate-1"), await hall.gate("gate-2")];
  });

  test("are reached from every server; whoever is away is named", async () => {
    const [ann, bob] = [await login("gate-1", "ann"), await login("gate-2", "bob")];
    await hall.enter("gate-2");
    for (const server of [room, ...gates]) {
      const words = text(`from ${server.id}`);
      expect(await now(server.users("ann", "eve", "bob", "ann").push(said, words))).toEqual({ missed: ["eve"] });
      expect(await now(server.users("bob").deliver(said, words))).toEqual({ missed: [] });
      expect(await now(server.users("ann", "bob", "eve").locate())).toEqual(
        new Map([
          ["ann", "gate-1"],
          ["bob", "gate-2"],
        ]),
      );
      expect(await now(server.users().push(said, words))).toEqual({ missed: [] });
    }
    expect(ann.heard).toEqual(["from room-1", "from gate-1", "from gate-2"]);
    expect(bob.heard).toEqual(["room-1", "room-1", "gate-1", "gate-1", "gate-2", "gate-2"].map((id) => `from ${id}`));
  });

  test("are kicked with code and reason, from a server that holds neither", async () => {
    const [ann, bob] = [await login("gate-1", "ann"), await login("gate-2", "bob")];
    const kicked = room.users("ann", "eve", "bob").kick({ code: "aborted", reason: "enough" });
    expect(await now(kicked)).toEqual({ missed: ["eve"] });
    await cluster.settle();
    expect([ann.kicks, bob.kicks]).toEqual([["aborted"], ["aborted"]]);
    expect(await now(room.users("ann", "bob").kick({ code: "aborted", reason: "again" }))).toEqual({ missed: ["ann", "bob"] });
    expect(await now(room.users("ann", "bob").locate())).toEqual(new Map());
  });

  test("are found again where they have gone since", async () => {
    await login("gate-1", "ann");
    expect(await now(room.users("ann").push(said, text("there")))).toEqual({ missed: [] });
    const ann = await login("gate-2", "ann");
    const before = room.users("ann").push(said, text("one"));
    void room.users("ann").push(said, text("two"));
    expect(await now(before)).toEqual({ missed: [] });
    expect(ann.heard).toEqual(["one", "two"]);
    await ann.client.close();
    await cluster.settle();
    expect(await now(room.users("ann").push(said, text("gone")))).toEqual({ missed: ["ann"] });
  });

  test("hear what one server says in its order, whoever has to be looked for", async () => {
    const names = Array.from({ length: 12 }, (_, at) => `user-${at}`);
    const guests: Guest[] = [];
    for (const [at, name] of names.entries()) guests.push(await login(`gate-${(at % 2) + 1}`, name));
    const pushes: Promise<unknown>[] = [];
    for (let at = 0; at < names.length; at++) {
      pushes.push(room.users(...names.slice(0, at + 1)).push(said, text(`${at}`)));
    }
    await now(Promise.all(pushes));
    for (const [at, { heard }] of guests.entries()) expect(heard).toEqual(names.slice(at).map((_, more) => `${at + more}`));
  });

  test("have names of bounded length; what is wrong is said at once", async () => {
    const guest = await hall.enter("gate-1");
    for (const user of ["x".repeat(257), "\ud800"]) {
      expect(await now(guest.session.bind(user).catch(code))).toBe("invalid_argument");
      expect(() => room.users("ann", user)).toThrow("a user's name has 1 to 256 characters");
    }
    expect(() => room.users("")).toThrow("this one has 0");
    expect(guest.session.user).toBeUndefined();
    await now(guest.session.bind("ü/\n🦊".repeat(50)));
    expect(await now(room.users("ü/\n🦊".repeat(50)).push(said, text("odd")))).toEqual({ missed: [] });
    expect(guest.heard).toEqual(["odd"]);
  });

  test("behind a cut are missed, and nothing hangs", async () => {
    const [ann, bob] = [await login("gate-1", "ann"), await login("gate-2", "bob")];
    await now(room.users("ann", "bob").push(said, text("before")));
    const fault = cluster.cut("room-1", "gate-2");
    const pushed = room.users("ann", "bob").push(said, text("cut"));
    await cluster.advance(12_000);
    expect(await pushed).toEqual({ missed: ["bob"] });
    await fault.heal();
    await cluster.advance(5_000);
    // What was lost on its way is a gap: a client that has missed something does not go on as if it had not.
    expect(bob.kicks.length + Number(bob.session.state === "ended")).toBe(1);
    expect(await now(room.users("ann", "bob").push(said, text("after")))).toEqual({ missed: ["bob"] });
    expect([ann.heard, bob.heard]).toEqual([["before", "cut", "after"], ["before"]]);
    const again = await login("gate-2", "bob");
    expect(await now(room.users("bob").push(said, text("again")))).toEqual({ missed: [] });
    expect(again.heard).toEqual(["again"]);
  });
});

describe("one live session of a user", () => {
  beforeEach(async () => {
    for (const id of ["gate-1", "gate-2", "gate-3"]) await hall.gate(id);
  });

  test("the former one is kicked wherever it is, and has told everyone before the bind resolves", async () => {
    const first = await login("gate-1", "ann");
    const closed: string[] = [];
    first.session.onClose(async ({ kind }) => {
      await Promise.resolve();
      closed.push(kind);
    });
    const second = await hall.enter("gate-2");
    const bound = second.session.bind("ann").then(({ former }) => [former, ...closed]);
    expect(await now(bound)).toEqual(["ended", "replaced"]);
    expect([first.kicks, first.session.state, second.session.user]).toEqual([["replaced"], "ended", "ann"]);
    expect((await now(second.session.bind("ann"))).former).toBe("none");
    expect(await now(second.session.bind("bob").catch(code))).toBe("failed_precondition");
  });

  test("whoever saw it has finished, on every server: its callbacks are waited for", async () => {
    const rooms = ["room-2", "room-3"];
    for (const id of rooms) await cluster.start({ id, services: hall.services(id) });
    const first = await login("gate-1", "ann");
    const seen = new Map<string, Guest["session"]>();
    // Of so many rooms each server has some.
    for (let at = 0; at < 30; at++) {
      const { server, session } = await hall.visit(first, `${at}`);
      seen.set(server, session);
    }
    const closed: string[] = [];
    const waits = [...seen].map(([server, session]) => {
      const saved = Promise.withResolvers<void>();
      session.onClose(async () => {
        await saved.promise;
        closed.push(server);
      });
      return saved;
    });
    const second = await hall.enter("gate-2");
    let former = "waiting";
    void second.session.bind("ann").then((bound) => {
      former = bound.former;
    });
    for (const saved of waits) {
      await cluster.settle();
      expect(former).toBe("waiting");
      saved.resolve();
    }
    await cluster.settle();
    expect([former, closed.sort()]).toEqual(["ended", ["", ...rooms]]);
  });

  test("callbacks that hang are waited for 5 s", async () => {
    const first = await login("gate-1", "ann");
    first.session.onClose(() => new Promise(() => {}));
    const second = await hall.enter("gate-2");
    let former = "waiting";
    void second.session.bind("ann").then((bound) => {
      former = bound.former;
    });
    await cluster.advance(4_900);
    expect(former).toBe("waiting");
    await cluster.advance(200);
    expect(former).toBe("timed_out");
    expect(first.kicks).toEqual(["replaced"]);
  });

  test("a later close of the former does not take the user away, nor does its logout", async () => {
    const first = await login("gate-1", "ann");
    const second = await login("gate-2", "ann");
    await first.client.close();
    await cluster.advance(2_000);
    expect(await now(room.users("ann").locate())).toEqual(new Map([["ann", "gate-2"]]));
    await now(second.session.unbind());
    expect(await now(room.users("ann").locate())).toEqual(new Map());
    const third = await login("gate-3", "ann");
    expect(second.session.state).toBe("open");
    await now(second.session.bind("bob"));
    expect(await now(room.users("ann", "bob").push(said, text("both")))).toEqual({ missed: [] });
    expect([second.heard, third.heard]).toEqual([["both"], ["both"]]);
  });

  test("of many that come at once one stays, and every other was told", async () => {
    const guests: Guest[] = [];
    for (let at = 0; at < 12; at++) guests.push(await hall.enter(`gate-${(at % 3) + 1}`));
    const outcomes = guests.map(({ session }) => session.bind("ann").then(({ former }) => former, code));
    await cluster.advance(6_000);
    await Promise.all(outcomes);
    const open = guests.filter(({ session }) => session.state === "open");
    expect(open.length).toBe(1);
    expect(open[0]?.session.user).toBe("ann");
    for (const guest of guests) if (guest !== open[0]) expect(guest.kicks).toEqual(["replaced"]);
    expect(await now(room.users("ann").locate())).toEqual(new Map([["ann", open[0]?.session.frontend]]));
  });

  test("a frontend that dies takes its users along within the lease; until then they come in elsewhere at once", async () => {
    for (const user of ["ann", "bob"]) await login("gate-1", user);
    cluster.crash("gate-1");
    const ann = await hall.enter("gate-2");
    let former = "waiting";
    void ann.session.bind("ann").then((bound) => {
      former = bound.former;
    });
    await cluster.advance(3_500);
    // Nobody can say whether the other's callbacks have run.
    expect(former).toBe("timed_out");
    await cluster.advance(9_000);
    expect(await now(room.users("ann", "bob").locate())).toEqual(new Map([["ann", "gate-2"]]));
    expect((await now((await hall.enter("gate-3")).session.bind("bob"))).former).toBe("none");
  });

  test("two frontends that cannot reach each other: once they can, the former ends", async () => {
    const first = await login("gate-1", "ann");
    const fault = cluster.cut("gate-1", "gate-2");
    const second = await hall.enter("gate-2");
    const bound = second.session.bind("ann");
    await cluster.advance(6_000);
    expect((await bound).former).toBe("timed_out");
    expect(first.session.state).toBe("open");
    await fault.heal();
    await cluster.advance(5_000);
    expect([first.kicks, second.session.state]).toEqual([["replaced"], "open"]);
  });
});

describe("while discovery is out of reach", () => {
  test("lenient: binds, ends what it can reach, and heals to the later when discovery is back", async () => {
    for (const id of ["gate-1", "gate-2"]) await hall.gate(id);
    const first = await login("gate-1", "ann");
    const faults = [cluster.cutDiscovery("gate-2"), cluster.cutDiscovery("gate-1")];
    await cluster.advance(30_000);
    const second = await login("gate-2", "ann");
    // These two frontends have no link: nobody could be told.
    expect([first.session.state, second.session.user]).toEqual(["open", "ann"]);
    for (const fault of faults) await fault.heal();
    await cluster.advance(10_000);
    expect([first.kicks, second.session.state]).toEqual([["replaced"], "open"]);
    expect(await now(room.users("ann").push(said, text("healed")))).toEqual({ missed: [] });
    expect(second.heard).toEqual(["healed"]);
    expect(first.heard).toEqual([]);
  });

  test.each([
    ["the earlier", ["gate-1", "gate-2"]],
    ["the later", ["gate-2", "gate-1"]],
  ])(
    "lenient: of two that nobody was told of the later stays, also where discovery is back with %s first",
    async (_which, order) => {
      for (const id of order) await hall.gate(id);
      const faults = new Map(order.map((id) => [id, cluster.cutDiscovery(id)]));
      const first = await login("gate-1", "ann");
      await cluster.advance(10);
      const second = await login("gate-2", "ann");
      expect([first.session.state, second.session.state]).toEqual(["open", "open"]);
      for (const id of order) {
        await faults.get(id)?.heal();
        await cluster.advance(5_000);
      }
      await cluster.advance(60_000);
      expect([first.kicks, second.kicks, second.session.state]).toEqual([["replaced"], [], "open"]);
      expect(await now(room.users("ann").locate())).toEqual(new Map([["ann", "gate-2"]]));
    },
  );

  test("lenient: frontends that are linked hear of it at once", async () => {
    const [one] = [await hall.gate("gate-1"), await hall.gate("gate-2")];
    const first = await login("gate-1", "ann");
    await login("gate-2", "bob");
    await now(one.users("bob").push(said, text("a link")));
    cluster.cutDiscovery("gate-2");
    const second = await hall.enter("gate-2");
    expect((await now(second.session.bind("ann"))).former).toBe("ended");
    expect([first.kicks, second.session.state]).toEqual([["replaced"], "open"]);
  });

  test("an outage longer than the leases ends no session, and all are found again afterwards", async () => {
    for (const id of ["gate-1", "gate-2"]) await hall.gate(id);
    const [ann, bob] = [await login("gate-1", "ann"), await login("gate-2", "bob")];
    const faults = ["gate-1", "gate-2", "room-1"].map((id) => cluster.cutDiscovery(id));
    await cluster.advance(60_000);
    expect(await now(room.users("ann").push(said, text("away")))).toEqual({ missed: ["ann"] });
    for (const fault of faults) await fault.heal();
    await cluster.advance(2_000);
    expect(await now(room.users("ann", "bob").push(said, text("back")))).toEqual({ missed: [] });
    expect([ann.heard, bob.heard]).toEqual([["back"], ["back"]]);
  });

  test("strict: a bind fails, and changes nothing", async () => {
    for (const id of ["gate-1", "gate-2"]) await hall.gate(id, { users: { whenAway: "strict" } });
    const first = await login("gate-1", "ann");
    const fault = cluster.cutDiscovery("gate-2");
    const second = await hall.enter("gate-2");
    expect(await now(second.session.bind("ann").catch(code))).toBe("unavailable");
    expect([second.session.user, first.session.state]).toEqual([undefined, "open"]);
    await fault.heal();
    await cluster.advance(2_000);
    expect(await now(room.users("ann").locate())).toEqual(new Map([["ann", "gate-1"]]));
    expect((await now(second.session.bind("ann"))).former).toBe("ended");
  });
});

test("users may have any number of sessions: nobody is ended, all of them are reached", async () => {
  const users = { sessions: "any" } as const;
  const other = await cluster.start({ id: "other-1", types: ["other"], users });
  for (const id of ["gate-1", "gate-2"]) await hall.gate(id, { users });
  const all = [await login("gate-1", "ann"), await login("gate-1", "ann"), await login("gate-2", "ann")];
  expect(await now(other.users("ann", "eve").push(said, text("hello")))).toEqual({ missed: ["eve"] });
  expect(all.map(({ heard }) => heard)).toEqual([["hello"], ["hello"], ["hello"]]);
  await now(all[0]?.session.unbind() ?? Promise.reject(new Error("nobody")));
  expect(await now(other.users("ann").push(said, text("two")))).toEqual({ missed: [] });
  expect(all.map(({ heard }) => heard.length)).toEqual([1, 2, 2]);
  expect(await now(other.users("ann").kick({ code: "aborted", reason: "all of you" }))).toEqual({ missed: [] });
  await cluster.settle();
  expect(all.map(({ kicks }) => kicks)).toEqual([[], ["aborted"], ["aborted"]]);
});
