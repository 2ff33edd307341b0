import { createTestCluster, type TestCluster } from "nano-rpc/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Guest, Hall, said, text } from "../user/hall.ts";

let cluster: TestCluster;
let guest: Guest;

beforeEach(async () => {
  cluster = createTestCluster({ latencyMs: 2 });
  const hall = new Hall(cluster);
  const gate = await hall.gate("gate-1", { limits: { unboundMs: 0 } });
  await cluster.start({ id: "room-1", services: hall.services() });
  const entering = hall.enter("gate-1");
  await cluster.advance(200);
  guest = await entering;
  expect(gate.id).toBe(guest.session.frontend);
});

afterEach(() => cluster.stop());

describe("a server that knows of a frontend only by its groups", () => {
  test("is linked again after a partition, whoever is asked for nothing there", async () => {
    const late = await cluster.start({ id: "room-2", types: ["room"] });
    const added = late.group("lobby").add(guest.session);
    await cluster.advance(100);
    await added;
    late.group("lobby").push(said, text("before"));
    // Until it is acknowledged: else nobody knows that it was heard.
    await cluster.advance(1_000);
    const fault = cluster.cut("gate-1", "room-2");
    await cluster.advance(30_000);
    await fault.heal();
    await cluster.advance(5_000);
    const counting = late.group("lobby").count();
    await cluster.advance(100);
    expect(await counting).toBe(1);
    late.group("lobby").push(said, text("after"));
    await cluster.advance(100);
    expect(guest.heard).toEqual(["before", "after"]);
  });

  test("whose pushes were lost: who missed them is not left in the dark", async () => {
    const late = await cluster.start({ id: "room-2", types: ["room"] });
    const adding = late.group("lobby").add(guest.session);
    await cluster.advance(100);
    await adding;
    const fault = cluster.cut("gate-1", "room-2");
    await cluster.advance(20_000);
    // The frontend is given up: this one goes nowhere.
    late.group("lobby").push(said, text("lost"));
    const delivering = late.group("lobby").deliver(said, text("lost"));
    await cluster.advance(100);
    expect(await delivering).toEqual({ missed: ["gate-1"] });
    expect(guest.session.state).toBe("open");
    await fault.heal();
    await cluster.advance(5_000);
    expect([guest.heard, guest.session.state]).toEqual([[], "ended"]);
  });

  test("that has pushed nothing meanwhile, or to another group: nobody is ended for it", async () => {
    const late = await cluster.start({ id: "room-2", types: ["room"] });
    const adding = late.group("lobby").add(guest.session);
    await cluster.advance(100);
    await adding;
    const fault = cluster.cut("gate-1", "room-2");
    await cluster.advance(20_000);
    late.group("other").push(said, text("elsewhere"));
    await fault.heal();
    await cluster.advance(5_000);
    late.group("lobby").push(said, text("after"));
    await cluster.advance(100);
    expect([guest.heard, guest.session.state]).toEqual([["after"], "open"]);
  });
});
