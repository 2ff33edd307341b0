import { checkPromises, createTestCluster, lineOf, playSeeds, type SeededTest } from "nano-rpc/testing";
import { describe, expect, test } from "vitest";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import { chatRooms } from "../../examples/chat/src/rooms.ts";

const alone = (seed: number): string => `SEED=${seed} npm test`;

async function chat({ cluster, random }: SeededTest): Promise<void> {
  await cluster.start({ id: "gate-1", types: ["gate"], frontend: true });
  await cluster.start(() => ({ id: "room-1", services: chatRooms() }));
  const room = (await cluster.connect("gate-1", { reconnect: { minDelayMs: 100 } })).service(RoomClient);
  await cluster.drive(room.join({ room: "lobby", name: "ann" }).result());
  const ticks = cluster.clock.every(50, () => room.say({ text: `${random.next()}` }));
  await cluster.trouble(2_000, { everyMs: 100 });
  ticks.cancel();
}

describe("playSeeds()", () => {
  test("the same seed does the same again, another another", async () => {
    const traces: string[] = [];
    const options = {
      play: chat,
      alone,
      check: ({ cluster }: SeededTest) => [cluster.seen.map(lineOf).join("\n")],
      failed: (_seed: number, [trace = ""]: readonly string[]) => void traces.push(trace),
    };
    await expect(playSeeds({ ...options, seeds: [5] })).rejects.toThrow("1 of the seeds failed");
    await expect(playSeeds({ ...options, seeds: [5, 6] })).rejects.toThrow("2 of the seeds failed");
    expect(traces).toHaveLength(3);
    expect(traces[0]).toContain("**");
    expect(traces[1]).toBe(traces[0]);
    expect(traces[2]).not.toBe(traces[0]);
  });

  test("says which seed failed, why, how it is played alone, and what was seen", async () => {
    const played: number[] = [];
    const failure = await playSeeds({
      seeds: [1, 2, 3],
      alone,
      async play({ seed, cluster }) {
        played.push(seed);
        await cluster.start({ id: "gate-1", services: chatRooms(), frontend: true });
        if (seed === 3) throw new Error("no way");
      },
      check: ({ seed }) => (seed === 2 ? ["it is even"] : []),
    }).then(
      () => "",
      (reason: Error) => reason.message,
    );
    expect(played).toEqual([1, 2, 3]);
    expect(failure).toContain("2 of the seeds failed");
    expect(failure).toContain("seed 2 (alone: SEED=2 npm test)\n  it is even");
    expect(failure).toContain("seed 3 (alone: SEED=3 npm test)\n  threw Error: no way");
  });

  test("faults of each kind come, and are over in the end", async () => {
    for (const kind of ["drop", "link", "delay", "cut", "crash", "discovery"] as const) {
      await using cluster = createTestCluster({ seed: 3, record: {} });
      // Nobody here has a user.
      const limits = { heartbeatMs: 1_000, deadMs: 3_000, unboundMs: 0 };
      await cluster.start({ id: "gate-1", types: ["gate"], frontend: true, limits });
      await cluster.start(() => ({ id: "room-1", services: chatRooms() }));
      const client = await cluster.connect("gate-1");
      await cluster.trouble(3_000, { kinds: [kind], everyMs: 200, lastsMs: 500 });
      await cluster.advance(40_000);
      const faults = cluster.seen.filter((one) => one.what === "fault" || one.what === "crashed").length;
      expect([kind, faults > 2]).toEqual([kind, true]);
      expect([kind, client.state.name]).toEqual([kind, "open"]);
      expect(cluster.servers.map(({ id }) => id).sort()).toEqual(["gate-1", "room-1"]);
      expect((await cluster.drive(client.service(RoomClient).join({ room: "lobby", name: "ann" }))).members).toEqual(["ann"]);
      expect(checkPromises(cluster.seen, { over: false })).toEqual([]);
    }
  });
});
