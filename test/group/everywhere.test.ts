import { NanoError, type Server } from "nano-rpc";
import { createTestCluster, type TestCluster } from "nano-rpc/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Guest, Hall, said, text } from "../user/hall.ts";

const latencyMs = 5;
let cluster: TestCluster;
let hall: Hall;
let rooms: Server[];
let guest: Guest;

beforeEach(async () => {
  cluster = createTestCluster({ latencyMs });
  hall = new Hall(cluster);
  await hall.gate("gate-1", { limits: { unboundMs: 0 } });
  rooms = [await cluster.start({ id: "room-1", services: hall.services() })];
  const entering = hall.enter("gate-1");
  await cluster.advance(200);
  guest = await entering;
  for (const id of ["room-2", "room-3"]) rooms.push(await cluster.start({ id, services: hall.services() }));
});

afterEach(() => cluster.stop());

/** What a promise gives, and after how many milliseconds. */
async function timed<T>(promise: Promise<T>, withinMs = 3_000): Promise<{ readonly value: T; readonly afterMs: number }> {
  const startedAt = cluster.now;
  const outcome = promise.then((value) => ({ value, afterMs: cluster.now - startedAt }));
  await cluster.advance(withinMs);
  return Promise.race([outcome, Promise.reject(new Error(`nothing within ${withinMs} ms`))]);
}

const code = (reason: unknown): string => NanoError.from(reason).code;

function everywhere(server: Server | undefined, name = "lobby"): Promise<{ readonly missing: readonly string[] }> {
  if (!server) throw new Error("no such server");
  return server.group(name, { type: "room" }).add(guest.session, { everywhere: true });
}

/** What may be put behind an `add`: each room says its name. */
function pushAll<T>(added: T): T {
  for (const room of rooms) room.group("lobby").push(said, text(`from ${room.id}`));
  return added;
}

describe("add with everywhere", () => {
  test("has resolved: what any server of the type pushes from then on is heard", async () => {
    const { value, afterMs } = await timed(everywhere(rooms[0]).then(pushAll));
    expect(value).toEqual({ missing: [] });
    expect(guest.heard).toEqual(["from room-1", "from room-2", "from room-3"]);
    // To the frontend and back, from there to all others and back; links had to be opened first.
    expect(afterMs).toBeLessThan(100);
    const again = await timed(everywhere(rooms[0], "another"));
    expect(again).toEqual({ value: { missing: [] }, afterMs: 4 * latencyMs });
  });

  test("waits for more than the adding server: without it others may not know yet", async () => {
    await timed(everywhere(rooms[0], "the links are open"));
    const added = rooms[0]?.group("lobby").add(guest.session);
    const { value, afterMs } = await timed(added?.then(pushAll) ?? Promise.reject(new Error("no room")));
    expect([value, afterMs]).toEqual([{ missing: [] }, 2 * latencyMs]);
    expect(guest.heard).toContain("from room-1");
  });

  test("says after 2 s who is missing; the session is a member all the same", async () => {
    await timed(everywhere(rooms[0], "the links are open"));
    const fault = cluster.cut("gate-1", "room-2");
    const { value, afterMs } = await timed(everywhere(rooms[0]));
    expect(value).toEqual({ missing: ["room-2"] });
    expect(afterMs).toBeGreaterThanOrEqual(2_000);
    expect(afterMs).toBeLessThan(2_100);
    await fault.heal();
    await cluster.advance(5_000);
    expect((await timed(everywhere(rooms[0]))).value).toEqual({ missing: [] });
    pushAll(undefined);
    await cluster.advance(100);
    expect([...guest.heard].sort()).toEqual(["from room-1", "from room-2", "from room-3"]);
  });

  test("a link that breaks and is back within that time is waited for", async () => {
    await timed(everywhere(rooms[0], "the links are open"));
    const fault = cluster.cut("gate-1", "room-2");
    const added = everywhere(rooms[0]);
    await cluster.advance(500);
    await fault.heal();
    const { value, afterMs } = await timed(added.then(pushAll));
    expect(value).toEqual({ missing: [] });
    expect(afterMs).toBeLessThan(1_500);
    expect([...guest.heard].sort()).toEqual(["from room-1", "from room-2", "from room-3"]);
  });

  test("a server that is dead is missing while the cluster takes it for alive, and then it is not", async () => {
    await timed(everywhere(rooms[0], "the links are open"));
    cluster.crash("room-3");
    expect((await timed(everywhere(rooms[0], "one"))).value).toEqual({ missing: ["room-3"] });
    await cluster.advance(15_000);
    expect((await timed(everywhere(rooms[0], "two"))).value).toEqual({ missing: [] });
  });

  test("of a group of all types: every server is asked", async () => {
    const shop = await cluster.start({ id: "shop-1", types: ["shop"] });
    const other = await hall.gate("gate-2");
    const group = (server: Server) => server.group("all", { type: "" });
    const added = rooms[0] ? group(rooms[0]).add(guest.session, { everywhere: true }) : undefined;
    const pushed = added?.then(({ missing }) => {
      for (const server of [shop, other]) group(server).push(said, text(`from ${server.id}`));
      return missing;
    });
    expect((await timed(pushed ?? Promise.reject(new Error("no room")))).value).toEqual([]);
    expect([...guest.heard].sort()).toEqual(["from gate-2", "from shop-1"]);
  });

  test("of an ended session is not_found; ending meanwhile it leaves", async () => {
    cluster.cut("gate-1", "room-2");
    const waiting = everywhere(rooms[0]);
    await cluster.advance(100);
    await guest.client.close();
    expect((await timed(waiting)).value).toEqual({ missing: ["room-2"] });
    expect((await timed(rooms[0]?.group("lobby").count() ?? Promise.reject(new Error("no room")))).value).toBe(0);
    expect((await timed(everywhere(rooms[0]).catch(code))).value).toBe("not_found");
  });

  test("on a server that is the frontend itself, with nobody else and with others", async () => {
    await using small = createTestCluster();
    const inside = new Hall(small);
    const one = await small.start({ id: "one", frontend: true, services: inside.services() });
    const { session, heard } = await inside.enter("one");
    expect(await one.group("lobby").add(session, { everywhere: true })).toEqual({ missing: [] });
    const two = await small.start({ id: "two", services: inside.services() });
    const added = one.group("late").add(session, { everywhere: true });
    const pushed = added.then(({ missing }) => {
      two.group("late").push(said, text("from two"));
      return missing;
    });
    await small.advance(100);
    expect([await pushed, heard]).toEqual([[], ["from two"]]);
  });
});
