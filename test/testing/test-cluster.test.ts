import { next } from "nano-rpc/client";
import { createTestCluster } from "nano-rpc/testing";
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
});
