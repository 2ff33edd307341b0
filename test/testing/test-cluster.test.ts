import { next } from "nano-rpc/client";
import { checkPromises, createTestCluster, lineOf } from "nano-rpc/testing";
import { describe, expect, test } from "vitest";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import { chatRooms } from "../../examples/chat/src/rooms.ts";

describe("createTestCluster()", () => {
  test("gate, room and client on virtual time: a link is cut, and back", async () => {
    await using cluster = createTestCluster({ seed: 7 });
    await cluster.start({ id: "gate-1", types: ["gate"], frontend: true });
    await cluster.start({ id: "gate-2", types: ["gate"], frontend: true });
    await cluster.start({ id: "room-1", services: chatRooms() });
    const ann = (await cluster.connect("gate-1")).service(RoomClient);
    const bob = (await cluster.connect("gate-2")).service(RoomClient);
    await ann.join({ room: "lobby", name: "ann" });
    await bob.join({ room: "lobby", name: "bob" });
    const heard = next(bob.onSaid);
    ann.say({ text: "hi" });
    expect((await heard).text).toBe("hi");

    const fault = cluster.cut("gate-2", "room-1");
    const failed = bob.join({ room: "lobby", name: "bob" }).result();
    await cluster.advance(6_000);
    const outcome = await failed;
    expect(outcome.ok ? "ok" : ["unavailable", "deadline_exceeded"].includes(outcome.error.code)).toBe(true);
    await fault.heal();
    // A dial that the cut swallowed is given up after 3 s; the room waits 5 s for the gate to come back.
    await cluster.advance(4_000);
    const again = next(bob.onSaid);
    ann.say({ text: "back?" });
    await cluster.settle();
    expect((await again).text).toBe("back?");
  });

  test("a crashed room costs its sessions an error, never silence", async () => {
    await using cluster = createTestCluster();
    await cluster.start({ id: "gate-1", types: ["gate"], frontend: true });
    await cluster.start({ id: "room-1", services: chatRooms() });
    const client = await cluster.connect("gate-1", { encoding: "json" });
    const ann = client.service(RoomClient);
    await ann.join({ room: "lobby", name: "ann" });
    cluster.crash("room-1");
    const failed = next(client.onFailed);
    ann.say({ text: "anyone?" });
    await cluster.advance(6_000);
    expect(await failed).toMatchObject({ route: "room.room.say", code: "unavailable" });
    const refused = ann.join({ room: "lobby", name: "ann" }).result();
    await cluster.advance(6_000);
    const outcome = await refused;
    expect(outcome.ok ? "ok" : outcome.error.code).toBe("unavailable");
  });

  test("with latency, what is sent takes its time", async () => {
    await using cluster = createTestCluster({ latencyMs: 20 });
    await cluster.start({ id: "gate-1", services: chatRooms(), frontend: true });
    const ann = (await cluster.connect("gate-1")).service(RoomClient);
    const joined = ann.join({ room: "lobby", name: "ann" });
    const before = cluster.now;
    await cluster.advance(100);
    expect((await joined).members).toEqual(["ann"]);
    expect(cluster.now - before).toBe(100);
  });

  test("bytes between a client and its gate are delayed, and in order", async () => {
    await using cluster = createTestCluster();
    await cluster.start({ id: "gate-1", services: chatRooms(), frontend: true });
    const client = await cluster.connect("gate-1");
    const ann = client.service(RoomClient);
    const slow = cluster.delay(client, "gate-1", 300);
    const before = cluster.now;
    const joined = ann.join({ room: "lobby", name: "ann" });
    await cluster.advance(599);
    let answered = false;
    void joined.then(() => {
      answered = true;
    });
    await cluster.settle();
    expect(answered).toBe(false);
    await slow.heal();
    await cluster.drive(joined);
    expect(cluster.now - before).toBe(600);
  });

  test("a socket that only the client sees break: it is back while the old one still stands", async () => {
    await using cluster = createTestCluster({ record: {} });
    await cluster.start({ id: "gate-1", services: chatRooms(), frontend: true, limits: { resumeMs: 1_000, unboundMs: 0 } });
    const client = await cluster.connect("gate-1");
    const count = (what: string) => cluster.seen.filter((one) => one.what === "session" && one.event === what).length;
    cluster.drop(client, "client");
    await cluster.advance(3_000);
    expect(client.state.name).toBe("open");
    // Nothing comes by the old one any more: in the end one session is left.
    await cluster.advance(27_000);
    expect(client.state.name).toBe("open");
    expect(count("opened") - count("closed")).toBe(1);
  });

  test("a crashed server is started again, and has forgotten; its clients find it by its name", async () => {
    await using cluster = createTestCluster({ record: {} });
    let starts = 0;
    await cluster.start(() => ({ id: "gate-1", version: `${++starts}`, services: chatRooms(), frontend: true }));
    const client = await cluster.connect("gate-1", { reconnect: { minDelayMs: 500, maxDelayMs: 500 } });
    await client.service(RoomClient).join({ room: "lobby", name: "ann" });
    cluster.crash("gate-1");
    await cluster.advance(100);
    expect(client.state.name).toBe("waiting");
    const restarted = await cluster.restart("gate-1");
    expect(restarted.info.version).toBe("2");
    await cluster.advance(10_000);
    expect(client.state).toMatchObject({ name: "open", via: "reset" });
    expect((await client.service(RoomClient).join({ room: "lobby", name: "bob" })).members).toEqual(["bob"]);
    await expect(cluster.restart("gate-1")).rejects.toThrow('has a server "gate-1" already');
    await expect(cluster.restart("gate-9")).rejects.toThrow('never had a server "gate-9"');
  });

  test("what is seen can be read, and checked", async () => {
    await using cluster = createTestCluster({ record: {} });
    await cluster.start({ id: "gate-1", types: ["gate"], frontend: true });
    await cluster.start({ id: "room-1", services: chatRooms() });
    const client = await cluster.connect(["gate-1"]);
    const room = client.service(RoomClient);
    await cluster.drive(room.join({ room: "lobby", name: "ann" }));
    room.say({ text: "hi" });
    await cluster.settle();
    cluster.dropLink("gate-1", "room-1", "room-1");
    await cluster.closeClients();
    await cluster.stopServer("room-1");
    await cluster.advance(6_000);
    expect(cluster.servers.map(({ id }) => id)).toEqual(["gate-1"]);
    expect(checkPromises(cluster.seen)).toEqual([]);
    const lines = cluster.seen.map(lineOf).map((line) => line.replace(/[0-9a-f]{32}/, "S").trim());
    expect(lines).toContain('0 ms  client-1 asks #1 room.room.join {"room":"lobby","name":"ann"}');
    expect(lines).toContain('0 ms  room-1 runs room.room.say {"text":"hi"} of S');
    expect(lines).toContain("0 ms  ** streams between gate-1 and room-1 break, and only room-1 sees it");
  });

  test("no fault for whoever is not there", async () => {
    await using cluster = createTestCluster();
    await cluster.start({ id: "gate-1", types: ["gate"] });
    await using other = createTestCluster();
    await other.start({ id: "gate-1", services: chatRooms(), frontend: true });
    const stranger = await other.connect("gate-1");
    await expect(cluster.connect("gate-1")).rejects.toThrow("gate-1 holds no clients");
    expect(() => cluster.drop(stranger)).toThrow("not a client of this cluster");
    expect(() => cluster.cut("gate-1", "room-1")).toThrow('no server "room-1"');
    expect(() => cluster.crash("room-1")).toThrow('no server "room-1"');
  });
});
