import fc from "fast-check";
import { type Server, type Session, sessionHooks } from "nano-rpc";
import type { Client } from "nano-rpc/client";
import { createTestCluster, type Fault, type TestCluster } from "nano-rpc/testing";
import { expect, test } from "vitest";
import { PlayClient } from "../schema/gen/play/v1/play_client.ts";
import { PlayPush } from "../schema/gen/play/v1/play_nano.ts";
import { PlaySessionSchema } from "../schema/gen/play/v1/play_pb.ts";
import { playServices } from "../server/play.ts";

interface Play {
  readonly cluster: TestCluster;
  readonly gate: Server;
  readonly room: Server;
  readonly client: Client;
  readonly play: PlayClient;
  /** The client's session, as the room has it; the newest where it has had more. */
  readonly session: () => Session;
  /** Why sessions ended in the room. */
  readonly closed: readonly string[];
  /** What the client has heard. */
  readonly heard: readonly string[];
}

/** A gate with a client, and a room behind it that knows the client's session. */
async function start(seed: number): Promise<Play> {
  const cluster = createTestCluster({ seed, latencyMs: 3 });
  const sessions: Session[] = [];
  const closed: string[] = [];
  const gate = await cluster.start({ id: "gate-1", types: ["gate"], frontend: true });
  const room = await cluster.start({
    id: "play-1",
    services: playServices(() => Promise.resolve()).services,
    sessions: [
      sessionHooks(PlaySessionSchema, {
        onOpen: (session) => void sessions.push(session),
        onClose: (_session, { kind }) => void closed.push(kind),
      }),
    ],
  });
  const client = await cluster.connect("gate-1");
  const play = client.service(PlayClient);
  const heard: string[] = [];
  play.onTold(({ text }) => void heard.push(text));
  const kept = play.kept({});
  await cluster.advance(200);
  await kept;
  const session = (): Session => {
    const newest = sessions.at(-1);
    if (!newest) throw new Error("the room knows no session");
    return newest;
  };
  return { cluster, gate, room, client, play, session, closed, heard };
}

test("a client hears every push over short breaks, once and in order; its session goes on, and so do its groups", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(1_000),
      fc.array(
        fc.record({ pushes: fc.integer({ min: 0, max: 6 }), cutMs: fc.nat(1_500), restMs: fc.integer({ min: 600, max: 1_200 }) }),
        {
          minLength: 1,
          maxLength: 6,
        },
      ),
      async (seed, faults) => {
        const { cluster, gate, room, play, session, closed, heard } = await start(seed);
        const group = room.group("all", { type: "play" });
        const joined = group.add(session());
        await cluster.advance(50);
        await joined;
        const said: string[] = [];
        const reached: Promise<{ readonly missed: readonly string[] }>[] = [];
        const tell = (): void => {
          const text = String(said.length);
          said.push(text);
          const target = said.length % 2 === 0 ? session() : group;
          if (said.length % 3 === 0) reached.push(target.deliver(PlayPush.told, { text }));
          else target.push(PlayPush.told, { text });
        };
        for (const { pushes, cutMs, restMs } of faults) {
          for (let times = 0; times < pushes; times++) tell();
          const fault = cluster.cut("gate-1", "play-1");
          tell();
          await cluster.advance(cutMs);
          await fault.heal();
          // Found broken by now, and not back.
          tell();
          await cluster.advance(restMs);
        }
        await cluster.advance(6_000);
        expect(heard).toEqual(said);
        for (const { missed } of await Promise.all(reached)) expect(missed).toEqual([]);
        expect(closed).toEqual([]);
        expect(gate.counters.frontend?.gaps).toBe(0);
        const kept = play.kept({});
        await cluster.advance(100);
        await kept;
        await cluster.stop();
      },
    ),
    { numRuns: 15, endOnFailure: true },
  );
});

test("each break has its own 5 s", async () => {
  const { cluster, session, closed, heard } = await start(2);
  const said: string[] = [];
  // Broken at 0 and at 4.9 s: when 5 s have passed since the first, the link is just away again.
  for (const atMs of [0, 4_900]) {
    const fault = cluster.cut("gate-1", "play-1");
    said.push(`lost at ${atMs}`);
    session().push(PlayPush.told, { text: `lost at ${atMs}` });
    await cluster.advance(10);
    await fault.heal();
    const again = cluster.cut("gate-1", "play-1");
    await cluster.advance(300);
    await again.heal();
    await cluster.advance(4_590);
  }
  expect(closed).toEqual([]);
  expect(heard).toEqual(said);
  await cluster.stop();
});

/** A break in which a push is lost; and what the client has been since. */
async function longBreak(): Promise<Play & { readonly fault: Fault; readonly states: readonly string[] }> {
  const all = await start(1);
  const { cluster, client, session, closed } = all;
  const states: string[] = [];
  client.onState((state) => void states.push(state.name === "open" ? state.via : state.name));
  const fault = cluster.cut("gate-1", "play-1");
  const delivered = session()
    .deliver(PlayPush.told, { text: "lost" })
    .then(
      ({ missed }) => `missed ${missed.length}`,
      (reason: { readonly code: string }) => reason.code,
    );
  await cluster.advance(11_500);
  expect(await delivered).toBe("deadline_exceeded");
  expect(closed).toEqual(["lost"]);
  return { ...all, fault, states };
}

test("over a long break its session in the room ends, and a deliver says so; when the room is back the client is told of the gap: reset", async () => {
  const { cluster, gate, play, session, heard, fault, states } = await longBreak();
  expect([gate.counters.frontend?.gaps, states]).toEqual([0, []]);
  await fault.heal();
  await cluster.advance(6_000);
  expect([gate.counters.frontend?.gaps, states]).toEqual([1, ["waiting", "connecting", "reset"]]);
  const kept = play.kept({});
  await cluster.advance(500);
  await kept;
  session().push(PlayPush.told, { text: "again" });
  await cluster.advance(100);
  expect(heard).toEqual(["again"]);
  await cluster.stop();
});

test("is reset over a break without an end as well, as soon as the room would be gone from the cluster if it were dead", async () => {
  const { cluster, gate, states } = await longBreak();
  await cluster.advance(10_000);
  expect(gate.counters.frontend?.gaps).toBe(0);
  await cluster.advance(7_000);
  expect([gate.counters.frontend?.gaps, states]).toEqual([1, ["waiting", "connecting", "reset"]]);
  await cluster.stop();
});

test("keeps its session where the room has died: nothing was pushed that could be lost", async () => {
  const { cluster, gate, client, closed } = await start(1);
  cluster.crash("play-1");
  await cluster.advance(25_000);
  expect([gate.counters.frontend?.gaps, client.state]).toMatchObject([0, { name: "open", via: "first" }]);
  expect(closed).toEqual([]);
  await cluster.stop();
});

test("cancels nothing while it is short: what began goes on; the request has failed all the same", async () => {
  const cluster = createTestCluster();
  const work = Promise.withResolvers<void>();
  const { services, seen } = playServices(() => work.promise);
  await cluster.start({ id: "gate-1", types: ["gate"], frontend: true });
  await cluster.start({ id: "play-1", services });
  const play = (await cluster.connect("gate-1")).service(PlayClient);
  const asked = play.wait({ ms: 500, text: "x" }).result();
  await cluster.advance(100);
  const fault = cluster.cut("gate-1", "play-1");
  // Lost, and with it the stream.
  play.keep({ number: 1 });
  await cluster.advance(50);
  await fault.heal();
  await cluster.advance(200);
  const outcome = await asked;
  expect(outcome.ok ? "ok" : outcome.error.code).toBe("unavailable");
  // Its context is not over either: what it pushes is heard.
  const heard: string[] = [];
  play.onTold(({ text }) => void heard.push(text));
  work.resolve();
  await cluster.advance(100);
  expect([heard, seen.late]).toEqual([["after x"], []]);
  await cluster.stop();
});
