import { implement, type Server, type Session } from "nano-rpc";
import type { Client } from "nano-rpc/client";
import { createTestCluster, type TestCluster } from "nano-rpc/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import { RoomHandler, RoomPush } from "../../examples/chat/gen/chat/v1/chat_nano.ts";

let cluster: TestCluster;
let sessions: Session[];
let answers: (() => void)[];
let ran: string[];

beforeEach(() => {
  cluster = createTestCluster({ latencyMs: 1 });
  sessions = [];
  answers = [];
  ran = [];
});

afterEach(() => cluster.stop());

const room = () =>
  implement(RoomHandler, {
    async join({ room, name }, { session }) {
      ran.push(name);
      if (!sessions.some(({ id }) => id === session.id)) sessions.push(session);
      if (room === "slow") await new Promise<void>((resolve) => void answers.push(resolve));
      return { members: [name] };
    },
    say: () => {},
  });

const gate = (id: string, limits = {}): Promise<Server> =>
  cluster.start({ id, frontend: true, types: ["gate"], limits: { unboundMs: 0, ...limits } });

/** A client that dials either gate, each time by chance. */
async function visitor(): Promise<{ readonly client: Client; readonly heard: string[]; readonly states: string[] }> {
  const client = await cluster.connect(["gate-1", "gate-2"], { reconnect: { minDelayMs: 100, maxDelayMs: 100 } });
  const heard: string[] = [];
  const states: string[] = [];
  client.onState((state) => {
    if (state.name === "open") states.push(state.via === "reset" ? `reset ${state.reset}` : state.via);
    else if (state.name === "closed") states.push(`closed ${state.reason.code ?? state.reason.kind}`);
  });
  client.service(RoomClient).onSaid(({ text }) => void heard.push(text));
  await cluster.drive(client.service(RoomClient).join({ room: "any", name: "begin" }));
  return { client, heard, states };
}

function relayed(): number {
  return cluster.servers.reduce((sum, { counters }) => sum + (counters.frontend?.resumes.relayed ?? 0), 0);
}

function owner(): Server {
  const server = cluster.servers.find(({ id }) => id === sessions[0]?.frontend);
  if (!server) throw new Error("nobody has the session");
  return server;
}

/** Drops the client's socket until it has come back by the frontend that does not have its session. */
async function comeBackElsewhere(client: Client): Promise<void> {
  for (const before = relayed(); relayed() === before; ) {
    cluster.drop(client);
    await cluster.advance(300);
    expect(client.state.name).toBe("open");
  }
}

test("a client that comes back to another frontend hears what it missed, and is answered what it had asked", async () => {
  await cluster.start({ id: "room-1", services: [room()] });
  await gate("gate-1");
  await gate("gate-2");
  const { client, heard, states } = await visitor();
  const asked = client.service(RoomClient).join({ room: "slow", name: "held" });
  await cluster.settle();
  const [session] = sessions;
  for (let at = 0; relayed() === 0; at++) {
    cluster.drop(client);
    session?.push(RoomPush.said, { name: "", text: `${at}` });
    await cluster.advance(300);
  }
  for (const answer of answers) answer();
  expect(await cluster.drive(asked)).toMatchObject({ members: ["held"] });
  expect(ran).toEqual(["begin", "held"]);
  session?.push(RoomPush.said, { name: "", text: "last" });
  await cluster.advance(10);
  expect(heard).toEqual([...heard.slice(0, -1).map((_, at) => `${at}`), "last"]);
  expect(heard.length).toBe(states.length + 1);
  expect(new Set(states)).toEqual(new Set(["resume"]));
  expect(sessions.length).toBe(1);
});

test("it goes on for as long as the client is there, with heartbeats and nothing else", async () => {
  await cluster.start({ id: "room-1", services: [room()] });
  await gate("gate-1");
  await gate("gate-2");
  const { client, states } = await visitor();
  await comeBackElsewhere(client);
  const before = states.length;
  await cluster.advance(120_000);
  expect(states.length).toBe(before);
  expect(await cluster.drive(client.service(RoomClient).join({ room: "any", name: "late" }))).toMatchObject({
    members: ["late"],
  });
});

test("much is said both ways, more than is under way at once", async () => {
  await cluster.start({ id: "room-1", services: [room()] });
  await gate("gate-1", { queueBytes: 4_000_000 });
  await gate("gate-2", { queueBytes: 4_000_000 });
  const { client, heard } = await visitor();
  await comeBackElsewhere(client);
  const texts = Array.from({ length: 40 }, (_, at) => `${at}:${"x".repeat(30_000)}`);
  for (const text of texts) sessions[0]?.push(RoomPush.said, { name: "", text });
  const name = "y".repeat(50_000);
  const outcome = await cluster.drive(client.service(RoomClient).join({ room: "any", name }));
  expect(outcome.members[0]).toBe(name);
  await cluster.advance(1_000);
  expect(heard).toEqual(texts);
});

test("a kick is the last word, and is heard behind what was pushed before", async () => {
  await cluster.start({ id: "room-1", services: [room()] });
  await gate("gate-1");
  await gate("gate-2");
  const { client, heard, states } = await visitor();
  await comeBackElsewhere(client);
  sessions[0]?.push(RoomPush.said, { name: "", text: "before" });
  sessions[0]?.kick({ code: "cheated", reason: "out" });
  await cluster.advance(100);
  expect(heard).toEqual(["before"]);
  expect(states.at(-1)).toBe("closed cheated");
});

test("a client that closes has left its session where that is", async () => {
  await cluster.start({ id: "room-1", services: [room()] });
  await gate("gate-1");
  await gate("gate-2");
  const { client } = await visitor();
  await comeBackElsewhere(client);
  await cluster.drive(client.close());
  await cluster.advance(100);
  expect(sessions[0]?.state).toBe("ended");
  expect(
    cluster.servers.map(({ counters }) =>
      [...(counters.frontend?.clients.values() ?? [])].reduce((sum, { sessions: count }) => sum + count, 0),
    ),
  ).toEqual([0, 0, 0]);
});

test("the frontend between may go: its clients come back to the one that has the session", async () => {
  await cluster.start({ id: "room-1", services: [room()] });
  await gate("gate-1");
  await gate("gate-2");
  const { client, states } = await visitor();
  await comeBackElsewhere(client);
  await cluster.stopServer(owner().id === "gate-1" ? "gate-2" : "gate-1");
  await cluster.advance(5_000);
  expect(client.state.name).toBe("open");
  expect(new Set(states)).toEqual(new Set(["resume"]));
  expect(await cluster.drive(client.service(RoomClient).join({ room: "any", name: "still" }))).toMatchObject({
    members: ["still"],
  });
  expect(sessions.length).toBe(1);
});

test("where the frontend that has the session is killed the client gets one clear reset", async () => {
  await cluster.start({ id: "room-1", services: [room()] });
  await gate("gate-1");
  await gate("gate-2");
  const { client, states } = await visitor();
  await comeBackElsewhere(client);
  const before = states.length;
  cluster.crash(owner().id);
  await cluster.advance(20_000);
  expect(states.slice(before)).toEqual(["reset frontend"]);
  expect(await cluster.drive(client.service(RoomClient).join({ room: "any", name: "new" }))).toMatchObject({ members: ["new"] });
});

test("where the frontend that has the session does not answer within 2 s the client gets a reset", async () => {
  await cluster.start({ id: "room-1", services: [room()] });
  await gate("gate-1");
  await gate("gate-2");
  const { client, states } = await visitor();
  await using _cut = cluster.cut("gate-1", "gate-2");
  while (!states.includes("reset frontend")) {
    cluster.drop(client);
    await cluster.advance(6_000);
  }
  expect(client.state.name).toBe("open");
});

test("a link that breaks costs the socket, not the session", async () => {
  await cluster.start({ id: "room-1", services: [room()] });
  await gate("gate-1");
  await gate("gate-2");
  const { client, states } = await visitor();
  await comeBackElsewhere(client);
  const before = states.length;
  cluster.dropLink("gate-1", "gate-2");
  await cluster.advance(5_000);
  expect(states.slice(before)).toEqual(["resume"]);
});
