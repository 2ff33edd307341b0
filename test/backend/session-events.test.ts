import { createJsonLogger, type Server, type SessionEvents } from "nano-rpc";
import type { Client } from "nano-rpc/client";
import { createTestCluster, type TestCluster } from "nano-rpc/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { askServices } from "../remote/ask.ts";
import { DeskClient } from "../schema/gen/ask/v1/ask_client.ts";

let cluster: TestCluster;
beforeEach(() => {
  cluster = createTestCluster();
});
afterEach(() => cluster.stop());

/** Keeps what it hears, in a line each. */
function recorder(heard: string[]): SessionEvents {
  return {
    bound: ({ user, frontend }) => void heard.push(`bound ${user} ${frontend}`),
    unbound: ({ user }) => void heard.push(`unbound ${user}`),
    closed: ({ user }, { kind }) => void heard.push(`closed ${user} ${kind}`),
  };
}

async function watcher(id = "watch-1"): Promise<{ readonly server: Server; readonly heard: string[] }> {
  const heard: string[] = [];
  const server = await cluster.start({ id, types: ["watch"], sessionEvents: recorder(heard) });
  return { server, heard };
}

async function gates(...ids: readonly string[]): Promise<void> {
  for (const id of ids) await cluster.start({ id, types: ["gate"], frontend: true });
  await cluster.start({ id: "ask-1", services: askServices("ask-1", () => {}) });
}

async function enter(gate: string, user: string): Promise<Client> {
  const client = await cluster.connect(gate, { reconnect: false });
  await client.service(DeskClient).enter({ word: user });
  await cluster.settle();
  return client;
}

describe("a server that listens to session events", () => {
  test("hears of users on every frontend whom it never served, each once", async () => {
    await gates("gate-1", "gate-2");
    const { heard } = await watcher();
    const ann = await enter("gate-1", "ann");
    const bob = await enter("gate-2", "bob");
    // Nobody is told of a session without a user.
    const stranger = await cluster.connect("gate-1");
    await stranger.close();
    await ann.service(DeskClient).enter({ word: "" });
    await ann.service(DeskClient).enter({ word: "cyd" });
    await bob.close();
    await cluster.settle();
    expect(heard).toEqual(["bound ann gate-1", "bound bob gate-2", "unbound ann", "bound cyd gate-1", "closed bob left"]);
  });

  test("hears first of those that were there before it", async () => {
    await gates("gate-1");
    // More than a piece of the list.
    const users = Array.from({ length: 300 }, (_, at) => `user-${at}-${"x".repeat(100)}`);
    for (const user of users) await enter("gate-1", user);
    const { heard } = await watcher();
    expect(heard).toEqual(users.map((user) => `bound ${user} gate-1`));
  });

  test("hears of the frontend that comes later", async () => {
    await gates("gate-1");
    const { heard } = await watcher();
    await cluster.start({ id: "gate-2", types: ["gate"], frontend: true });
    await enter("gate-2", "ann");
    expect(heard).toEqual(["bound ann gate-2"]);
  });

  test("hears why, and of a kick; a user that comes again is another session", async () => {
    await gates("gate-1", "gate-2");
    const { server, heard } = await watcher();
    await enter("gate-1", "ann");
    await enter("gate-2", "ann");
    await server.users("ann").kick({ code: "aborted", reason: "enough" });
    await cluster.settle();
    expect(heard.slice().sort()).toEqual(["bound ann gate-1", "bound ann gate-2", "closed ann kicked", "closed ann replaced"]);
  });

  test("may be a frontend itself, and hears of its own", async () => {
    const heard: string[] = [];
    const lines: string[] = [];
    const log = createJsonLogger({ sink: { write: (line) => void lines.push(line) }, now: () => 0, level: "debug" });
    const sessionEvents = recorder(heard);
    await cluster.start({ id: "gate-9", types: ["gate"], frontend: true, sessionEvents, log });
    await gates("gate-1");
    const ann = await enter("gate-9", "ann");
    await enter("gate-1", "bob");
    await ann.close();
    await cluster.settle();
    expect(heard).toEqual(["bound ann gate-9", "bound bob gate-1", "closed ann left"]);
    // Two frontends that have nothing to say to each other stay linked while one of them listens.
    await cluster.advance(120_000);
    expect(lines.filter((line) => /link (closed|broken)/.test(line))).toEqual([]);
    expect(heard).toHaveLength(3);
    await enter("gate-1", "cyd");
    expect(heard.slice(3)).toEqual(["bound cyd gate-1"]);
  });

  test("that serves a session hears of its end after all that the session has sent, however large", async () => {
    const heard: string[] = [];
    await cluster.start({
      id: "gate-1",
      types: ["gate"],
      frontend: true,
      limits: { packetBytes: 900_000, bytesBurst: 4_000_000 },
    });
    const services = askServices("ask-1", ({ method, word }) => void heard.push(`${method} ${word.length}`));
    await cluster.start({ id: "ask-1", services, sessionEvents: recorder(heard) });
    const ann = await enter("gate-1", "ann");
    // It leaves the gate in pieces, and what is small overtakes pieces that it has nothing to do with.
    void ann
      .service(DeskClient)
      .do({ word: "x".repeat(700_000) })
      .result();
    await ann.close();
    await cluster.settle();
    expect(heard).toEqual(["bound ann gate-1", "do 700000", "closed ann left"]);
  });

  test("goes on when a listener throws", async () => {
    await gates("gate-1");
    const heard: string[] = [];
    const sessionEvents: SessionEvents = {
      ...recorder(heard),
      bound() {
        throw new Error("no");
      },
    };
    await cluster.start({ id: "watch-1", types: ["watch"], sessionEvents });
    const ann = await enter("gate-1", "ann");
    await ann.close();
    await cluster.settle();
    expect(heard).toEqual(["closed ann left"]);
  });
});

describe("when a link breaks", () => {
  test.each([
    ["shortly", 1_000],
    ["for long", 30_000],
  ])("%s, nothing is told until it is back, and then what differs", async (_how, ms) => {
    await gates("gate-1");
    const { heard } = await watcher();
    const [ann, bob] = [await enter("gate-1", "ann"), await enter("gate-1", "bob")];
    heard.length = 0;
    const cut = cluster.cut("gate-1", "watch-1");
    await ann.close();
    await bob.service(DeskClient).enter({ word: "" });
    await bob.service(DeskClient).enter({ word: "bobby" });
    await enter("gate-1", "cyd");
    await cluster.advance(ms);
    expect(heard).toEqual([]);
    await cut.heal();
    await cluster.advance(5_000);
    expect(heard.slice().sort()).toEqual(["bound bobby gate-1", "bound cyd gate-1", "closed ann lost", "unbound bob"]);
    await bob.close();
    await cluster.settle();
    expect(heard.slice(4)).toEqual(["closed bobby left"]);
  });

  test("for good, since the frontend died, all its sessions have ended when its lease has", async () => {
    await gates("gate-1", "gate-2");
    const { heard } = await watcher();
    for (const user of ["ann", "bob"]) await enter("gate-1", user);
    await enter("gate-2", "cyd");
    heard.length = 0;
    cluster.crash("gate-1");
    await cluster.advance(6_000);
    expect(heard).toEqual([]);
    await cluster.advance(6_000);
    expect(heard.slice().sort()).toEqual(["closed ann lost", "closed bob lost"]);
  });
});
