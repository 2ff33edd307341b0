import { StatsRequestSchema } from "../../examples/chat/gen/chat/v1/chat_pb.ts";
import { countIn, encode, heardBy, join, joined, mustBeOk, paths, say, stats, told } from "../chat.ts";
import { soon, until } from "../patience.ts";
import { must, mustEqual, type Point, Skipped } from "../point.ts";

const deadlineMs = 500;

/** How calls are answered. */
export const callPoints: readonly Point[] = [
  {
    name: "call.request",
    says: "A forwarded request is a unary call of the method, and is answered with one message.",
    async check({ frontend, token, probe, fresh }) {
      const to = await frontend();
      const room = fresh("room");
      const [ann, bob] = [probe.session(), probe.session()];
      mustEqual("who is there", await joined({ caller: to, session: ann, token }, room, "ann"), ["ann"]);
      mustEqual("who is there", await joined({ caller: to, session: bob, token }, room, "bob"), ["ann", "bob"]);
    },
  },
  {
    name: "call.errors",
    says: "Declared errors have their codes: already_exists for a name that is taken, invalid_argument for one of 0 or 33 characters.",
    async check({ frontend, token, probe, fresh }) {
      const to = await frontend();
      const room = fresh("room");
      const [ann, bob] = [probe.session(), probe.session()];
      await joined({ caller: to, session: ann, token }, room, "ann");
      const visit = { caller: to, session: bob, token };
      mustEqual("Join under a name that is taken", (await join(visit, room, "ann")).code, "already_exists");
      for (const name of ["", "n".repeat(33)]) {
        mustEqual(`Join under a name of ${name.length} characters`, (await join(visit, room, name)).code, "invalid_argument");
      }
      const long = "é".repeat(32);
      mustEqual("who is there", await joined(visit, room, long), ["ann", long].sort());
    },
  },
  {
    name: "call.notify",
    says: "A forwarded notify is a stream of one message, and is answered with one, which is empty.",
    async check({ frontend, token, probe, fresh }) {
      const visit = { caller: await frontend(), session: probe.session(), token };
      await joined(visit, fresh("room"), "ann");
      const { bodies } = mustBeOk("Say", await say(visit, ["hi"]));
      mustEqual(
        "the lengths of the messages of the answer",
        bodies.map(({ length }) => length),
        [0],
      );
    },
  },
  {
    name: "call.headers",
    says: "What else a call carries is no hindrance: traceparent, tracestate, nano-hops, nano-attempt, and what is not known.",
    async check({ frontend, token, probe, fresh }) {
      const to = await frontend();
      for (const headers of [
        { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", tracestate: "a=1,b=2" },
        { traceparent: "garbage", tracestate: "" },
        { "nano-hops": "1", "nano-attempt": "1", "x-of-tomorrow": "yes", "x-of-tomorrow-bin": "AAE" },
      ]) {
        const visit = { caller: to, session: probe.session(), token };
        mustEqual(`who is there, with ${Object.keys(headers).join(", ")}`, await joined(visit, fresh("room"), "ann", headers), [
          "ann",
        ]);
      }
    },
  },
  {
    name: "call.deadline",
    says: "A call ends when its grpc-timeout is over, and leaves nothing behind that is half done.",
    async check({ frontend, token, probe, fresh }) {
      const to = await frontend();
      const room = fresh("room");
      const [ann, other] = [probe.session(), probe.session()];
      const held = Promise.withResolvers<void>();
      ann.hold = { ask: "Bind", until: held.promise };
      try {
        const joining = join({ caller: to, session: ann, token }, room, "ann", { "grpc-timeout": `${deadlineMs}m` });
        const answer = await soon(`Join with a timeout of ${deadlineMs} ms is over while its bind hangs`, joining);
        must(ended.has(answer.code), `Join is answered with ${told(answer)} when its time is over`);
        const again = { caller: to, session: other, token };
        await until("the name is free when the call is over", async () => (await join(again, room, "ann")).code === "ok");
      } finally {
        held.resolve();
      }
    },
  },
  {
    name: "call.concurrent",
    says: "Calls of many sessions at once are all answered, each with its own.",
    async check({ frontend, token, probe, fresh }) {
      const to = await frontend();
      const rooms = Array.from({ length: 8 }, () => fresh("room"));
      const visits = Array.from({ length: 64 }, (_, at) => ({
        visit: { caller: to, session: probe.session(), token },
        room: rooms[at % rooms.length] ?? "",
        name: `n${at}`,
      }));
      const answers = await Promise.all(visits.map(({ visit, room, name }) => joined(visit, room, name)));
      for (const [at, members] of answers.entries()) {
        const name = `n${at}`;
        must(members.includes(name), `${name} is told that these are there: ${members.join(", ")}`);
        must(
          members.every((one) => (Number(one.slice(1)) - at) % 8 === 0),
          `${name} is told of another room: ${members.join(", ")}`,
        );
      }
      const counted = await stats(to, token);
      mustEqual(
        "the members by Stats",
        rooms.map((room) => countIn(room, counted)),
        rooms.map(() => 8),
      );
      await Promise.all(visits.map(({ visit }, at) => say(visit, [`hi of ${at}`])));
      for (const [at, { visit }] of visits.entries()) {
        const own = heardBy(visit.session).filter((one) => one === `said n${at}: hi of ${at}`);
        mustEqual(`how often n${at} hears itself`, own.length, 1);
      }
    },
  },
  {
    name: "call.one-session",
    says: "What a session says, one after the other, its room hears in that order.",
    async check({ frontend, token, probe, fresh }) {
      const to = await frontend();
      const room = fresh("room");
      const [ann, bob] = [probe.session(), probe.session()];
      await joined({ caller: to, session: ann, token }, room, "ann");
      await joined({ caller: to, session: bob, token }, room, "bob");
      const texts = Array.from({ length: 50 }, (_, at) => `line ${at}`);
      for (const text of texts) mustBeOk("Say", await say({ caller: to, session: ann, token }, [text]));
      mustEqual(
        "what bob has heard",
        heardBy(bob),
        texts.map((text) => `said ann: ${text}`),
      );
    },
  },
  {
    name: "call.remote",
    says: "Remotes are unary calls of gRPC, without a session.",
    async check({ caller, token }) {
      mustBeOk("Stats", await stats(await caller(), token));
    },
  },
  {
    name: "call.remote-connect",
    says: "They may be unary calls of Connect as well.",
    async check({ caller, token }) {
      const bodies = [encode(StatsRequestSchema, {})];
      const answer = await (await caller()).connect({ path: paths.stats, headers: token, bodies });
      if (!answer) throw new Skipped("the server speaks gRPC alone");
      mustBeOk("Stats", answer);
    },
  },
];

// Whichever side is the first to see that the time is over.
const ended: ReadonlySet<string> = new Set(["deadline_exceeded", "canceled", "reset"]);
