import { createServer, memory, type Server, silentLogger, tcp } from "nano-rpc";
import { type Client, createClient, type Transport } from "nano-rpc/client";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { seededRandom } from "../../src/clock/index.ts";
import { createRecordSeal } from "../../src/discovery/index.ts";
import type { Net } from "../../src/net/index.ts";
import { createHubs, type Hubs, serverInfo } from "../link/hubs.ts";
import type { FrameInit, RawLink } from "../link/raw-link.ts";

let hubs: Hubs;
let server: Server;

beforeEach(() => {
  hubs = createHubs();
});
afterEach(() => hubs.drive(server.stop({ graceMs: 10 })));

function transport(net: Net, address: string): Transport {
  const port = Number(address.slice(address.lastIndexOf(":") + 1));
  return {
    name: "memory",
    async open(events, signal) {
      const stream = await net.connect({ host: "127.0.0.1", port }, { ...events, drain: () => {} }, signal);
      return { send: (packet) => void stream.write(packet), close: () => stream.end() };
    },
  };
}

describe("a frontend", () => {
  let clients: Client[];
  const userOf = (at: number): string => `user-${at}-`.padEnd(250, "x");

  beforeEach(async () => {
    clients = [];
    let came = 0;
    server = createServer({
      id: "gate-1",
      types: ["gate"],
      acceptors: [tcp({ port: 0 })],
      authenticate: () => ({ user: userOf(came++) }),
      cluster: {},
      discovery: memory(),
      clock: hubs.clock,
      random: seededRandom(3),
      net: hubs.net.as("gate-1"),
      log: silentLogger,
    });
    await hubs.drive(server.start());
  });
  afterEach(() => hubs.drive(Promise.all(clients.map((client) => client.close()))));

  async function connect(): Promise<Client> {
    const net = hubs.net.as(`client-${clients.length}`);
    const client = createClient({ clock: hubs.clock, transport: transport(net, server.addresses["tcp"] ?? "") });
    clients.push(client);
    await hubs.drive(client.connect());
    await hubs.settle();
    return client;
  }

  async function dial(incarnation = 900n): Promise<RawLink> {
    const info = serverInfo("gate-1", server.info.incarnation, server.addresses["cluster"] ?? "");
    const raw = await hubs.raw({ info } as Parameters<Hubs["raw"]>[0]);
    raw.hello({ id: `watch-${incarnation}`, incarnation }, { frontend: false, types: ["watch"] });
    await hubs.settle();
    return raw;
  }

  const news = (raw: RawLink): string[] => raw.kinds.filter((kind) => kind.startsWith("session"));

  test("tells only those that asked", async () => {
    const [asks, silent] = [await dial(), await dial(901n)];
    asks.say({ body: { case: "sessionWatch", value: {} } });
    await hubs.settle();
    expect(asks.take("sessionList")).toMatchObject({ sessions: [], first: true, last: true });
    const client = await connect();
    await hubs.drive(client.close());
    await hubs.settle();
    expect(news(asks)).toEqual(["sessionEvent", "sessionEvent"]);
    expect(silent.closed).toBe(false);
    expect(news(silent)).toEqual([]);
  });

  test("sends its list in pieces, each when the one before was taken, and beside it what happens meanwhile", async () => {
    for (let at = 0; at < 50; at++) await connect();
    const raw = await dial();
    raw.say({ body: { case: "sessionWatch", value: {} } });
    await hubs.settle();
    const piece = raw.take("sessionList");
    expect(piece).toMatchObject({ first: true, last: false });
    expect(piece.sessions[0]).toMatchObject({ user: userOf(0) });
    await connect();
    expect(raw.take("sessionEvent")).toMatchObject({ handle: 0, session: { user: userOf(50) } });
    expect(news(raw)).toEqual([]);
    raw.say({ body: { case: "answer", value: { call: piece.call, outcome: { case: "body", value: new Uint8Array(0) } } } });
    await hubs.settle();
    const rest = raw.take("sessionList");
    expect(rest).toMatchObject({ first: false, last: true });
    const listed = [...piece.sessions, ...rest.sessions].map(({ user }) => user);
    expect(listed.slice(0, 50)).toEqual(Array.from({ length: 50 }, (_, at) => userOf(at)));
  });

  test("begins its list anew where a piece is not taken", async () => {
    for (let at = 0; at < 50; at++) await connect();
    const raw = await dial();
    raw.say({ body: { case: "sessionWatch", value: {} } });
    await hubs.settle();
    expect(raw.take("sessionList")).toMatchObject({ first: true, last: false });
    // It is there all the time; it only does not answer.
    for (let second = 0; second < 12; second++) {
      await hubs.advance(1_000);
      raw.say({ body: { case: "pong", value: {} } });
    }
    await hubs.settle();
    expect(raw.take("sessionList")).toMatchObject({ first: true, last: false });
  });
});

describe("a server that listens", () => {
  const id = new Uint8Array(16).fill(7);
  const incarnation = 500n;
  let heard: string[];
  let came: readonly RawLink[];

  beforeEach(async () => {
    heard = [];
    const discovery = memory();
    const listening = await hubs.listen("gate-1");
    came = listening.came;
    const events = { changed: () => {}, fenced: () => {}, available: () => {} };
    const random = seededRandom(3);
    const context = { clock: hubs.clock, random, log: silentLogger, seal: createRecordSeal([]) };
    const info = { ...serverInfo("gate-1", incarnation, listening.address), types: ["gate"], frontend: true };
    await discovery.join(info, new Uint8Array(0), events, context);
    server = createServer({
      id: "watch-1",
      types: ["watch"],
      discovery,
      clock: hubs.clock,
      random,
      net: hubs.net.as("watch-1"),
      log: silentLogger,
      sessionEvents: {
        bound: ({ user }) => void heard.push(`bound ${user}`),
        unbound: ({ user }) => void heard.push(`unbound ${user}`),
        closed: ({ user }, { kind, code }) => void heard.push(`closed ${user} ${kind} ${code}`),
      },
    });
    await hubs.drive(Promise.all([server.start(), greet({ frontend: true })]));
    await hubs.settle();
  });

  async function greet(as: { readonly frontend: boolean }): Promise<RawLink> {
    for (let turns = 0; came.length === 0 && turns < 20; turns++) await hubs.settle();
    const raw = came.at(-1);
    if (!raw) throw new Error("nobody was dialed");
    raw.take("hello");
    raw.hello({ id: "gate-1", incarnation }, { types: ["gate"], ...as });
    await hubs.settle();
    return raw;
  }

  async function say(...frames: readonly FrameInit["body"][]): Promise<void> {
    for (const body of frames) came.at(-1)?.say({ ...(body ? { body } : {}) });
    await hubs.settle();
  }

  const event = (user: string, closed?: { readonly kind: string; readonly code?: string }): FrameInit["body"] => ({
    case: "sessionEvent",
    value: { session: { session: id, user }, ...(closed ? { closed } : {}) },
  });

  test("dials the frontend, and asks", () => {
    expect(came).toHaveLength(1);
    came[0]?.take("sessionWatch");
  });

  test("hears each thing once, however often and in whatever order it is told", async () => {
    await say(event("", { kind: "left" }), event(""), event("ann"), event("ann"));
    await say({ case: "sessionList", value: { call: 1n, first: true, last: true, sessions: [{ session: id, user: "ann" }] } });
    expect(heard.splice(0)).toEqual(["bound ann"]);
    expect(came[0]?.take("answer")).toMatchObject({ call: 1n });
    await say(event("bob"), event(""), event(""), event("ann"));
    expect(heard.splice(0)).toEqual(["unbound ann", "bound bob", "unbound bob", "bound ann"]);
    await say({ case: "sessionList", value: { call: 2n, first: true, sessions: [] } });
    expect(heard).toEqual([]);
    await say({ case: "sessionList", value: { call: 3n, last: true, sessions: [] } });
    expect(heard.splice(0)).toEqual(["closed ann lost undefined"]);
    await say(event("cyd"), event("", { kind: "a kind of later", code: "own" }), event("", { kind: "left" }));
    expect(heard).toEqual(["bound cyd", "closed cyd lost own"]);
  });

  test("takes no word of it from who is no frontend", async () => {
    came[0]?.stream?.destroy();
    await hubs.settle();
    await hubs.advance(500);
    const raw = await greet({ frontend: false });
    raw.say({ body: event("ann") as Exclude<FrameInit["body"], undefined> });
    raw.say({
      body: { case: "sessionList", value: { call: 9n, first: true, last: true, sessions: [{ session: id, user: "bob" }] } },
    });
    await hubs.settle();
    expect(heard).toEqual([]);
    expect(raw.take("answer")).toMatchObject({ call: 9n, outcome: { case: "error", value: { code: "permission_denied" } } });
    expect(server.counters.cluster?.framesRefused).toEqual({ capability: 0, ended: 0, frontend: 2 });
    expect(raw.kinds).not.toContain("sessionWatch");
  });
});
