import { contextKey, implement, type Server, type Session, sessionHooks } from "nano-rpc";
import type { Client } from "nano-rpc/client";
import { createTestCluster, type TestCluster } from "nano-rpc/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import { RoomHandler, RoomPush } from "../../examples/chat/gen/chat/v1/chat_nano.ts";
import { ChatSessionSchema } from "../../examples/chat/gen/chat/v1/chat_pb.ts";

let cluster: TestCluster;
let room: Server;
let sessions: Session[];
let answers: (() => void)[];
let ran: string[];
let closed: string[];
// As the frontends see them.
let atGates: Session[];
const seat = contextKey<string>("seat");

beforeEach(async () => {
  cluster = createTestCluster({ latencyMs: 1 });
  sessions = [];
  answers = [];
  ran = [];
  closed = [];
  atGates = [];
  const service = implement(RoomHandler, {
    async join({ room: name, name: word }, { session }) {
      ran.push(word);
      if (!sessions.some(({ id }) => id === session.id)) {
        sessions.push(session);
        session.values.set(seat, word);
        session.onClose(({ kind }) => void closed.push(kind));
      }
      if (name === "slow") await new Promise<void>((resolve) => void answers.push(resolve));
      return { members: [session.values.get(seat) ?? "none", session.user ?? "nobody"] };
    },
    say: () => {},
  });
  room = await cluster.start({ id: "room-1", services: [service] });
  for (const id of ["gate-1", "gate-2"]) {
    const keep = sessionHooks(ChatSessionSchema, { onOpen: (session) => void atGates.push(session) });
    await cluster.start({ id, frontend: true, types: ["gate"], limits: { unboundMs: 0 }, sessions: [keep] });
  }
});

afterEach(() => cluster.stop());

interface Visitor {
  readonly client: Client;
  readonly heard: string[];
  readonly states: string[];
  join(word: string, name?: string): Promise<readonly string[]>;
}

async function visitor(): Promise<Visitor> {
  const client = await cluster.connect(["gate-1", "gate-2"], { reconnect: { minDelayMs: 100, maxDelayMs: 500 } });
  const heard: string[] = [];
  const states: string[] = [];
  client.onState((state) => {
    if (state.name === "open") states.push(state.via === "reset" ? `reset ${state.reset}` : state.via);
    else if (state.name === "closed") states.push(`closed ${state.reason.code ?? state.reason.kind}`);
  });
  const service = client.service(RoomClient);
  service.onSaid(({ text }) => void heard.push(text));
  const join = async (word: string, name = "any") => (await service.join({ room: name, name: word })).members;
  await cluster.drive(join("first"));
  return { client, heard, states, join };
}

const home = (): string => sessions[0]?.frontend ?? "";

test("a frontend that drains hands its sessions over: user, groups, values, pushes and listeners stay", async () => {
  const { heard, states, join } = await visitor();
  const [session] = sessions;
  await cluster.drive(session?.bind("ann") ?? Promise.reject(new Error("no session")));
  const group = room.group("table", { type: "room" });
  await cluster.drive(group.add(session as Session, { everywhere: true }));
  const before = home();
  const stopping = cluster.stopServer(before);
  const texts: string[] = [];
  const push = async (): Promise<void> => {
    for (let at = 0; at < 300; at++) {
      texts.push(`${at}`);
      if (at % 3 === 0) session?.push(RoomPush.said, { name: "", text: `${at}` });
      else if (at % 3 === 1) group.push(RoomPush.said, { name: "", text: `${at}` });
      else void room.users("ann").push(RoomPush.said, { name: "", text: `${at}` });
      await new Promise<void>((resolve) => void cluster.clock.after(10, resolve));
    }
  };
  await cluster.drive(Promise.all([stopping, push()]));
  await cluster.advance(5_000);
  expect(states).toEqual(["moved"]);
  expect(home()).not.toBe(before);
  expect(heard.slice().sort()).toEqual(texts.slice().sort());
  const ofKind = (kind: number): string[] => heard.filter((text) => Number(text) % 3 === kind);
  for (const kind of [0, 1, 2]) expect(ofKind(kind)).toEqual(texts.filter((text) => Number(text) % 3 === kind));
  expect(await cluster.drive(join("again"))).toEqual(["first", "ann"]);
  expect([sessions.length, closed]).toEqual([1, []]);
  expect(await cluster.drive(room.users("ann").locate())).toEqual(new Map([["ann", home()]]));
  expect(await cluster.drive(group.members())).toMatchObject([{ session: session?.id, user: "ann", frontend: home() }]);
});

test("a request under way is answered once, and has run once, by the frontend that the session has moved to", async () => {
  const { states, join } = await visitor();
  const asked = join("held", "slow");
  await cluster.settle();
  cluster.clock.after(2_000, () => {
    for (const answer of answers) answer();
  });
  await cluster.stopServer(home());
  expect(await cluster.drive(asked)).toEqual(["first", "nobody"]);
  await cluster.advance(5_000);
  expect(ran).toEqual(["first", "held"]);
  expect(states).toEqual(["moved"]);
});

/** Writes down what a session's state is, where it is another than before. */
function watchState(session: Session | undefined): string[] {
  const states: string[] = [];
  const look = (): void => {
    if (session && states.at(-1) !== session.state) states.push(session.state);
    if (session?.state !== "ended") cluster.clock.after(0.25, look);
  };
  look();
  return states;
}

test("is moving meanwhile, where it is open and where it has been; and paused again where it does not move yet", async () => {
  const { join, states } = await visitor();
  const [here, there] = [watchState(sessions[0]), watchState(atGates[0])];
  const asked = join("held", "slow");
  await cluster.settle();
  cluster.clock.after(2_000, () => {
    for (const answer of answers) answer();
  });
  await cluster.stopServer(home());
  await cluster.drive(asked);
  await cluster.advance(5_000);
  expect(states).toEqual(["moved"]);
  expect(here.slice(-4)).toEqual(["paused", "moving", "paused", "open"]);
  // It is asked for while a message is under way, and again when that is answered.
  expect(there[0]).toBe("open");
  expect(there.slice(-4)).toEqual(["moving", "paused", "moving", "ended"]);
  expect(atGates.map(({ state }) => state)).toEqual(["ended", "open"]);
});

test("a session moves again and again", async () => {
  const { states, join } = await visitor();
  for (let times = 0; times < 4; times++) {
    const id = home();
    await cluster.stopServer(id);
    await cluster.restart(id);
    await cluster.advance(3_000);
  }
  expect(states).toEqual(["moved", "moved", "moved", "moved"]);
  expect(await cluster.drive(join("again"))).toEqual(["first", "nobody"]);
  expect(sessions.length).toBe(1);
});

test("where no other frontend is ready a drain ends the session", async () => {
  const { client, states } = await visitor();
  const other = home() === "gate-1" ? "gate-2" : "gate-1";
  await cluster.stopServer(other);
  await cluster.stopServer(home());
  await cluster.advance(1_000);
  expect(client.state.name).not.toBe("open");
  expect(states).toEqual([]);
  expect(closed).toEqual(["draining"]);
});

test("a frontend that is killed while it drains costs one clear reset, or nothing", async () => {
  const { client, states } = await visitor();
  const id = home();
  const stopping = cluster.stopServer(id).catch(() => {});
  await cluster.advance(50);
  cluster.crash(id);
  await cluster.advance(20_000);
  expect(client.state.name).toBe("open");
  expect(states.length).toBe(1);
  expect(["moved", "reset frontend"]).toContain(states[0]);
  void stopping;
});
