import fc from "fast-check";
import { implement, type Session } from "nano-rpc";
import { createTestCluster, type TestCluster } from "nano-rpc/testing";
import { expect, test } from "vitest";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import { RoomHandler, RoomPush } from "../../examples/chat/gen/chat/v1/chat_nano.ts";

/** What happens next. Where a client comes back is by chance, as the seed has it. */
type Step =
  | { readonly what: "drop"; readonly seenBy: "client" | undefined }
  | { readonly what: "wait"; readonly ms: number }
  | { readonly what: "push" | "group"; readonly count: number }
  | { readonly what: "ask"; readonly ms: number }
  | { readonly what: "tell" | "bind" | "link" };

/** One client's life. */
interface Life {
  readonly seed: number;
  readonly steps: readonly Step[];
  readonly kicked: boolean;
}

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ what: fc.constant("drop" as const), seenBy: fc.constantFrom(undefined, "client" as const) }),
  },
  { weight: 4, arbitrary: fc.record({ what: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 400 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({ what: fc.constantFrom("push" as const, "group" as const), count: fc.integer({ min: 1, max: 5 }) }),
  },
  { weight: 3, arbitrary: fc.record({ what: fc.constant("ask" as const), ms: fc.constantFrom(0, 0, 1, 50) }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constantFrom("tell" as const, "bind" as const, "link" as const) }) },
);
const life: fc.Arbitrary<Life> = fc.record({
  seed: fc.integer({ min: 1, max: 1_000_000 }),
  steps: fc.array(step, { maxLength: 30, size: "max" }),
  kicked: fc.boolean(),
});

/** Lives that failed once. They are played first. */
const kept: [Life][] = [
  [
    {
      seed: 680_485,
      // The second connection arrives last, by another frontend: its offer takes nothing from the third, which the client has heard.
      steps: [
        { what: "drop", seenBy: undefined },
        { what: "wait", ms: 15 },
        { what: "drop", seenBy: undefined },
        { what: "wait", ms: 21 },
        { what: "drop", seenBy: "client" },
      ],
      kicked: false,
    },
  ],
];
const runs = 150;

test("whatever becomes of its sockets, and wherever it comes back: each thing once, in order, and the kick last", async () => {
  let relayed = 0;
  await fc.assert(
    fc.asyncProperty(life, async (one) => {
      const cluster = createTestCluster({ seed: one.seed, latencyMs: 1 });
      try {
        relayed += await live(cluster, one);
      } finally {
        await cluster.stop();
      }
    }),
    { numRuns: runs, examples: kept },
  );
  expect(relayed).toBeGreaterThan(runs);
}, 120_000);

test("a link that breaks while a frontend asks for a session costs no session, whenever it does", async () => {
  for (let ms = 0; ms < 150; ms++) {
    const cluster = createTestCluster({ seed: ms + 1, latencyMs: 1 });
    try {
      const steps = [{ what: "drop", seenBy: undefined } as const, { what: "wait", ms } as const, { what: "link" } as const];
      await live(cluster, { seed: ms + 1, steps, kicked: false });
    } finally {
      await cluster.stop();
    }
  }
}, 120_000);

/** Plays it, and looks that all is as it must be. Gives how often the client was relayed. */
async function live(cluster: TestCluster, { steps, kicked }: Life): Promise<number> {
  let session: Session | undefined;
  const ran: string[] = [];
  const room = await cluster.start({
    id: "room-1",
    services: [
      implement(RoomHandler, {
        async join({ room: ms, name }, call) {
          session ??= call.session;
          // The same session to the end, as this server sees it.
          if (session.id !== call.session.id) throw new Error("another session");
          ran.push(name);
          if (ms !== "0") await new Promise<void>((resolve) => void cluster.clock.after(Number(ms), resolve));
          return { members: [name] };
        },
        say: ({ text }) => void ran.push(text),
      }),
    ],
  });
  const limits = { unboundMs: 0 };
  for (const id of ["gate-1", "gate-2"]) await cluster.start({ id, frontend: true, types: ["gate"], limits });
  const client = await cluster.connect(["gate-1", "gate-2"], { reconnect: { minDelayMs: 20, maxDelayMs: 100 } });
  const states: string[] = [];
  client.onState((state) => {
    if (state.name === "open") states.push(state.via);
    else if (state.name === "closed") states.push(`closed ${state.reason.code}`);
  });
  const heard: string[] = [];
  const service = client.service(RoomClient);
  service.onSaid(({ text }) => void heard.push(text));
  const group = room.group("all", { type: "room" });
  const said: string[] = [];
  const sent: string[] = [];
  const answers: Promise<string | undefined>[] = [];

  function ask(ms: number): void {
    const name = `ask ${sent.length}`;
    sent.push(name);
    answers.push(service.join({ room: `${ms}`, name }).then(({ members: [one] }) => one));
  }

  ask(0);
  await cluster.drive(Promise.all(answers));
  const own = session as Session | undefined;
  if (!own) throw new Error("nobody came");
  await cluster.drive(group.add(own, { everywhere: true }));
  for (const one of steps) {
    if (one.what === "drop") cluster.drop(client, one.seenBy);
    else if (one.what === "wait") await cluster.advance(one.ms);
    else if (one.what === "ask") ask(one.ms);
    else if (one.what === "link") cluster.dropLink("gate-1", "gate-2");
    else if (one.what === "tell") {
      // Only users may.
      if (own.user === undefined) continue;
      const text = `tell ${sent.length}`;
      sent.push(text);
      service.say({ text });
    } else if (one.what === "bind") {
      if (own.user === undefined) await cluster.drive(own.bind("ann"));
    } else if ("count" in one) {
      for (let times = 0; times < one.count; times++) {
        const text = `${one.what} ${said.length}`;
        said.push(text);
        (one.what === "push" ? own : group).push(RoomPush.said, { name: "", text });
      }
    }
  }
  // Nobody is kicked who still waits for an answer: that would be canceled.
  const answered = await cluster.drive(Promise.all(answers));
  if (kicked) {
    cluster.drop(client);
    own.push(RoomPush.said, { name: "", text: "farewell" });
    said.push("farewell");
    own.kick({ code: "out", reason: "it is late" });
  }
  await cluster.advance(3_000);
  expect(heard).toEqual(said);
  const asks = sent.filter((name) => name.startsWith("ask"));
  expect(answered).toEqual(asks);
  expect(ran).toEqual(kicked ? ran : sent);
  // What was only told, and had not come yet, is lost with the session; nothing of it is done twice or out of turn.
  expect(ran).toEqual(sent.filter((name) => ran.includes(name)));
  expect(states.filter((via) => via !== "resume")).toEqual(kicked ? ["closed out"] : []);
  expect(client.state.name).toBe(kicked ? "closed" : "open");
  return cluster.servers.reduce((sum, { counters }) => sum + (counters.frontend?.resumes.relayed ?? 0), 0);
}
