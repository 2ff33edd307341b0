import { implement, NanoError, type Server, type Service, type Session } from "nano-rpc";
import type { Client } from "nano-rpc/client";
import { createTestCluster, type TestCluster, type TestServerOptions } from "nano-rpc/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import { RoomHandler, RoomPush } from "../../examples/chat/gen/chat/v1/chat_nano.ts";
import type { ChatSession } from "../../examples/chat/gen/chat/v1/chat_pb.ts";

/** Whoever has said its name, by its name: sessions as the server that took them sees them. */
type Sessions = Map<string, Session<ChatSession>>;

/** A service that binds whoever joins, and keeps its session for the test to do with as it likes. */
function hall(sessions: Sessions): Service[] {
  return [
    implement(RoomHandler, {
      async join({ name }, { session }) {
        await session.bind(name);
        sessions.set(name, session as Session<ChatSession>);
        return { members: [] };
      },
      say: () => {},
    }),
  ];
}

/** A client, and what it has heard. */
interface Guest {
  readonly client: Client;
  readonly heard: readonly string[];
}

let cluster: TestCluster;
let sessions: Sessions;

beforeEach(() => {
  cluster = createTestCluster();
  sessions = new Map();
});

afterEach(() => cluster.stop());

/** What a promise gives, once nothing happens any more; it must not need the clock. */
async function now<T>(promise: Promise<T>): Promise<T> {
  // It may fail before anybody looks.
  promise.catch(() => {});
  await cluster.settle();
  return Promise.race([
    promise,
    cluster.settle().then(() => {
      throw new Error("nothing came of it");
    }),
  ]);
}

/** How a promise fails, after so much time. */
async function failure(promise: Promise<unknown>, afterMs: number): Promise<string> {
  const outcome = promise.then(
    () => "did not fail",
    (reason: unknown) => NanoError.from(reason).code,
  );
  await cluster.advance(afterMs);
  return outcome;
}

function frontend(id: string, more: Partial<TestServerOptions> = {}): Promise<Server> {
  return cluster.start({ id, frontend: true, types: ["gate"], ...more });
}

async function enter(gate: string, name: string): Promise<Guest> {
  const client = await cluster.connect(gate);
  const heard: string[] = [];
  const service = client.service(RoomClient);
  service.onSaid(({ text }) => void heard.push(text));
  await now(service.join({ room: "any", name }));
  return { client, heard };
}

function session(name: string): Session<ChatSession> {
  const found = sessions.get(name);
  if (!found) throw new Error(`${name} has not joined`);
  return found;
}

const text = (words: string): { name: string; text: string } => ({ name: "hall", text: words });

describe("a group whose members are on two frontends", () => {
  let room: Server;
  let ann: Guest;
  let bob: Guest;
  let eve: Guest;

  beforeEach(async () => {
    await frontend("gate-1");
    await frontend("gate-2");
    room = await cluster.start({ id: "room-1", services: hall(sessions) });
    ann = await enter("gate-1", "ann");
    bob = await enter("gate-2", "bob");
    eve = await enter("gate-2", "eve");
  });

  async function gather(...names: readonly string[]): Promise<void> {
    for (const name of names) await now(room.group("lobby").add(session(name)));
  }

  const heard = (): (readonly string[])[] => [ann.heard, bob.heard, eve.heard];

  test("nobody is in it before somebody is", async () => {
    const lobby = room.group("lobby");
    expect(lobby.name).toBe("lobby");
    expect(await now(lobby.count())).toBe(0);
    expect(await now(lobby.members())).toEqual([]);
    expect(await now(lobby.has(session("ann")))).toBe(false);
    expect(await now(lobby.deliver(RoomPush.said, text("anyone?")))).toEqual({ missed: [] });
    lobby.push(RoomPush.said, text("no?"));
    await cluster.settle();
    expect(heard()).toEqual([[], [], []]);
  });

  test("members hear what is pushed, in order, once; others do not", async () => {
    await gather("ann", "bob");
    const lobby = room.group("lobby");
    for (let at = 1; at <= 5; at++) lobby.push(RoomPush.said, text(`${at}`));
    await cluster.settle();
    const all = ["1", "2", "3", "4", "5"];
    expect(heard()).toEqual([all, all, []]);
    expect(await now(lobby.deliver(RoomPush.said, text("6")))).toEqual({ missed: [] });
    expect(heard().map((words) => words.at(-1))).toEqual(["6", "6", undefined]);
  });

  test("of another type: to push and to ask is refused and never silent; to add works, and its own servers hear of it", async () => {
    const shop = await cluster.start({ id: "shop-1", types: ["shop"] });
    await now(room.group("lobby", { type: "shop" }).add(session("bob")));
    for (const [server, type] of [
      [room, "shop"],
      [shop, "room"],
    ] as const) {
      const group = server.group("lobby", { type });
      expect(() => group.push(RoomPush.said, text("lost"))).toThrow(`the group "lobby" is of servers of the type "${type}"`);
      const asked = [
        () => group.deliver(RoomPush.said, text("lost")),
        () => group.count(),
        () => group.members(),
        () => group.has(session("bob")),
        () => group.close(),
      ];
      for (const ask of asked) expect(await failure(ask(), 0)).toBe("failed_precondition");
    }
    expect(await now(shop.group("lobby").count())).toBe(1);
    shop.group("lobby").push(RoomPush.said, text("from the shop"));
    await cluster.settle();
    expect(heard()).toEqual([[], ["from the shop"], []]);
  });

  test("of no type: every server hears of it", async () => {
    const shop = await cluster.start({ id: "shop-1", types: ["shop"] });
    for (const name of ["ann", "bob"]) await now(room.group("all", { type: "" }).add(session(name)));
    await cluster.advance(1_000);
    for (const server of [room, shop]) {
      expect(await now(server.group("all", { type: "" }).count())).toBe(2);
      server.group("all", { type: "" }).push(RoomPush.said, text(server.id));
      await cluster.settle();
    }
    expect(heard()).toEqual([["room-1", "shop-1"], ["room-1", "shop-1"], []]);
  });

  test("add has resolved: the very next push is heard", async () => {
    const adding = room.group("lobby").add(session("bob"));
    const pushed = adding.then(() => room.group("lobby").push(RoomPush.said, text("welcome")));
    await now(pushed);
    await cluster.settle();
    expect(bob.heard).toEqual(["welcome"]);
  });

  test("except leaves out one, or some, whichever frontend they are on", async () => {
    await gather("ann", "bob", "eve");
    const lobby = room.group("lobby");
    lobby.push(RoomPush.said, text("not bob"), { except: session("bob") });
    lobby.push(RoomPush.said, text("only eve"), { except: [session("ann"), session("bob")] });
    lobby.push(RoomPush.said, text("all"), { except: [] });
    expect(await now(lobby.deliver(RoomPush.said, text("not ann"), { except: session("ann") }))).toEqual({ missed: [] });
    expect(heard()).toEqual([
      ["not bob", "all"],
      ["all", "not ann"],
      ["not bob", "only eve", "all", "not ann"],
    ]);
  });

  test("who is in it: sessions, users and frontends", async () => {
    await gather("ann", "bob", "eve");
    const lobby = room.group("lobby");
    const members = await now(lobby.members());
    expect([...members].sort((one, other) => ((one.user ?? "") < (other.user ?? "") ? -1 : 1))).toEqual([
      { session: session("ann").id, user: "ann", frontend: "gate-1" },
      { session: session("bob").id, user: "bob", frontend: "gate-2" },
      { session: session("eve").id, user: "eve", frontend: "gate-2" },
    ]);
    expect(await now(lobby.count())).toBe(3);
    expect(await now(lobby.has(session("eve")))).toBe(true);
  });

  test("a member twice is a member once", async () => {
    await gather("ann", "ann", "bob", "bob");
    room.group("lobby").push(RoomPush.said, text("once"));
    await cluster.settle();
    expect(heard()).toEqual([["once"], ["once"], []]);
    expect(await now(room.group("lobby").count())).toBe(2);
  });

  test("who is removed hears nothing more; who was no member may be removed", async () => {
    await gather("ann", "bob");
    const lobby = room.group("lobby");
    await now(lobby.remove(session("bob")));
    await now(lobby.remove(session("bob")));
    await now(lobby.remove(session("eve")));
    lobby.push(RoomPush.said, text("bob is gone"));
    await cluster.settle();
    expect(heard()).toEqual([["bob is gone"], [], []]);
    expect(await now(lobby.has(session("bob")))).toBe(false);
    await gather("bob");
    lobby.push(RoomPush.said, text("and back"));
    await cluster.settle();
    expect(bob.heard).toEqual(["and back"]);
  });

  test("groups are told apart by name and by type", async () => {
    await now(room.group("a").add(session("ann")));
    await now(room.group("b").add(session("bob")));
    await now(room.group("a", { type: "gate" }).add(session("eve")));
    room.group("a").push(RoomPush.said, text("to a"));
    room.group("b").push(RoomPush.said, text("to b"));
    await cluster.settle();
    expect(heard()).toEqual([["to a"], ["to b"], []]);
    expect(await now(room.group("a").count())).toBe(1);
  });

  test("a session that closes leaves, and cannot be added again", async () => {
    await gather("ann", "bob", "eve");
    const gone = session("bob");
    await now(bob.client.close());
    await cluster.advance(100);
    const lobby = room.group("lobby");
    expect(await now(lobby.count())).toBe(2);
    expect(await now(lobby.deliver(RoomPush.said, text("who is here?")))).toEqual({ missed: [] });
    expect(heard()).toEqual([["who is here?"], [], ["who is here?"]]);
    expect(await failure(lobby.add(gone), 0)).toBe("not_found");
    expect(await now(lobby.count())).toBe(2);
  });

  test("a socket that breaks costs nobody the group; a client that goes leaves it", async () => {
    await gather("ann", "bob");
    const users = async () => (await now(room.group("lobby").members())).map(({ user }) => user).sort();
    cluster.drop(bob.client);
    await cluster.advance(100);
    expect(await users()).toEqual(["ann", "bob"]);
    await cluster.advance(3_000);
    expect(bob.client.state).toMatchObject({ name: "open", via: "resume" });
    void bob.client.close();
    await cluster.advance(100);
    expect(await users()).toEqual(["ann"]);
  });

  test("a session that is kicked leaves", async () => {
    await gather("ann", "bob");
    session("bob").kick({ code: "rude", reason: "out" });
    await cluster.advance(100);
    expect((await now(room.group("lobby").members())).map(({ user }) => user)).toEqual(["ann"]);
  });

  test("logging out leaves every group", async () => {
    await gather("ann", "bob");
    await now(room.group("other").add(session("bob")));
    await now(session("bob").unbind());
    expect(await now(room.group("other").count())).toBe(0);
    expect((await now(room.group("lobby").members())).map(({ user }) => user)).toEqual(["ann"]);
  });

  test("close: all leave, on every frontend; the name may be used again", async () => {
    await gather("ann", "bob", "eve");
    const lobby = room.group("lobby");
    await now(lobby.close());
    await now(lobby.close());
    expect(await now(lobby.count())).toBe(0);
    lobby.push(RoomPush.said, text("nobody"));
    await cluster.settle();
    expect(heard()).toEqual([[], [], []]);
    await gather("eve");
    lobby.push(RoomPush.said, text("again"));
    await cluster.settle();
    expect(heard()).toEqual([[], [], ["again"]]);
  });

  test("every server of the type knows it, also one that starts later", async () => {
    await gather("ann", "bob");
    const late = await cluster.start({ id: "room-2", services: hall(sessions) });
    await cluster.advance(1_000);
    expect(await now(late.group("lobby").count())).toBe(2);
    late.group("lobby").push(RoomPush.said, text("I am new"));
    await cluster.settle();
    expect(heard()).toEqual([["I am new"], ["I am new"], []]);
    await now(room.group("lobby").remove(session("bob")));
    late.group("lobby").push(RoomPush.said, text("bye bob"));
    await cluster.settle();
    expect(heard().map((words) => words.at(-1))).toEqual(["bye bob", "I am new", undefined]);
  });

  test("a thousand groups are known to a server that starts later", async () => {
    const name = (at: number): string => `${"x".repeat(250)}${at}`;
    await now(Promise.all(Array.from({ length: 1_200 }, (_, at) => room.group(name(at)).add(session("ann")))));
    const late = await cluster.start({ id: "room-2", services: hall(sessions) });
    await cluster.advance(1_000);
    late.group(name(0)).push(RoomPush.said, text("first"));
    late.group(name(1_199)).push(RoomPush.said, text("last"));
    await cluster.settle();
    expect(heard()).toEqual([["first", "last"], [], []]);
  });

  test("a frontend that dies takes its members along; the others go on", async () => {
    await gather("ann", "bob", "eve");
    const lobby = room.group("lobby");
    cluster.crash("gate-2");
    // Nobody has noticed yet: who was there is only known there.
    const delivered = lobby.deliver(RoomPush.said, text("still there?"));
    await cluster.advance(10_000);
    expect(await delivered).toEqual({ missed: ["gate-2"] });
    expect(ann.heard).toEqual(["still there?"]);
    expect((await now(lobby.members())).map(({ user }) => user)).toEqual(["ann"]);
    expect(await now(lobby.deliver(RoomPush.said, text("on we go")))).toEqual({ missed: [] });
  });

  test("a frontend behind a cut: nothing hangs, and healed it hears again", async () => {
    await gather("ann", "bob");
    const lobby = room.group("lobby");
    const fault = cluster.cut("room-1", "gate-2");
    const counting = failure(lobby.count(), 0);
    const adding = failure(lobby.add(session("eve")), 0);
    lobby.push(RoomPush.said, text("half of you"));
    await cluster.advance(6_000);
    expect(["unavailable", "deadline_exceeded"]).toContain(await counting);
    expect(["unavailable", "deadline_exceeded"]).toContain(await adding);
    await fault.heal();
    await cluster.advance(10_000);
    expect(await now(lobby.count())).toBe(2);
    lobby.push(RoomPush.said, text("all of you"));
    await cluster.settle();
    // The link came back before what waited for it was given up.
    expect([ann.heard.at(-1), bob.heard]).toEqual(["all of you", ["half of you", "all of you"]]);
  });

  test("a name that none may have is refused", () => {
    for (const name of ["", "x".repeat(257)]) expect(() => room.group(name)).toThrow(/1 to 256 characters/);
    expect(room.group("x".repeat(256)).name.length).toBe(256);
  });
});

describe("a group on a server that holds clients itself", () => {
  test("its own members and those elsewhere are one group", async () => {
    const one = await frontend("one", { types: [], services: hall(sessions) });
    const ann = await enter("one", "ann");
    const other: Sessions = new Map();
    const two = await frontend("two", { types: [], services: hall(other) });
    const bob = await enter("two", "bob");
    await now(one.group("lobby").add(session("ann")));
    const found = other.get("bob") ?? sessions.get("bob");
    if (!found) throw new Error("bob has not joined");
    await now((other.has("bob") ? two : one).group("lobby").add(found));
    await cluster.advance(1_000);

    for (const server of [one, two]) {
      expect((await now(server.group("lobby").members())).map(({ user }) => user).sort()).toEqual(["ann", "bob"]);
      expect(await now(server.group("lobby").deliver(RoomPush.said, text(server.id)))).toEqual({ missed: [] });
    }
    expect([ann.heard, bob.heard]).toEqual([
      ["one", "two"],
      ["one", "two"],
    ]);
    await now(two.group("lobby").close());
    expect(await now(one.group("lobby").count())).toBe(0);
  });
});
