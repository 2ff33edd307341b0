import { create, toBinary } from "@bufbuild/protobuf";
import type { CloseReason, Handshake, ServerSessionHooks } from "nano-rpc";
import { sessionHooks } from "nano-rpc";
import { afterEach, describe, expect, test } from "vitest";
import { ChatSessionSchema, SaidResponseSchema } from "../../examples/chat/gen/chat/v1/chat_pb.ts";
import { createVirtualClock, turn } from "../../src/clock/index.ts";
import { PacketType } from "../../src/packet/index.ts";
import { rawTcp } from "../support/raw-client.ts";
import { textOf } from "../support/raw-peer.ts";
import { type EdgeOptions, type EdgeServer, startEdge } from "./edge-server.ts";
import { type NanoClient, nanoClient, type Resume, ticketOf } from "./nano-client.ts";

let edge: EdgeServer;
const clients: NanoClient[] = [];

afterEach(async () => {
  for (const { raw } of clients.splice(0)) raw.close();
  await edge[Symbol.asyncDispose]();
});

async function start(options?: EdgeOptions): Promise<void> {
  edge = await startEdge(options);
}

async function connect(resume?: Resume, ack = true): Promise<NanoClient> {
  const client = await nanoClient(edge.tcp, { ...(resume ? { resume } : {}), ack });
  clients.push(client);
  return client;
}

const counters = () => {
  const { frontend } = edge.server.counters;
  if (!frontend) throw new Error("no frontend");
  return frontend;
};

/** What is above zero. */
function some(counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

const sessionsNow = (): number => [...counters().clients.values()].reduce((sum, { sessions }) => sum + sessions, 0);

/** Says what the client has read, and waits until the server knows. */
async function acknowledge(client: NanoClient): Promise<void> {
  const { messages } = counters();
  client.count();
  client.raw.notify("a.b");
  await expect.poll(() => counters().messages).toBe(messages + 1);
}

/** Cuts the connection, and waits until the server has seen it. */
async function drop({ raw }: NanoClient): Promise<void> {
  const before = counters().paused;
  raw.close();
  await expect.poll(() => counters().paused).toBe(before + 1);
}

function say(client: NanoClient, ...texts: readonly string[]): void {
  for (const text of texts) client.raw.notify("edge.say", JSON.stringify({ text }));
}

async function hears(client: NanoClient, ...texts: readonly string[]): Promise<void> {
  const heard: string[] = [];
  while (heard.length < texts.length) heard.push(await client.text());
  expect(heard).toEqual(texts);
}

/** What the server says whose answer is no. */
async function refused(resume: Resume): Promise<unknown> {
  const raw = await rawTcp(edge.tcp);
  await raw.handshake({ sys: { nano: { v: 1, resume } } });
  const { type, body } = await raw.packet();
  expect(type).toBe(PacketType.kick);
  return JSON.parse(textOf(body));
}

/** Hears everything of all sessions. */
function listening(heard: string[]): ServerSessionHooks[] {
  const say = (what: string): void => void heard.push(what);
  return [
    sessionHooks(ChatSessionSchema, {
      onOpen: () => say("open"),
      onPause: ({ state }) => say(`pause ${state}`),
      onResume: ({ state }) => say(`resume ${state}`),
      onClose: (_session, { kind, code }: CloseReason) => say(`close ${kind} ${code ?? ""}`.trim()),
    }),
  ];
}

describe("a client that comes back", () => {
  test("is told all that it needs for it", async () => {
    await start();
    const first = await connect();
    expect(first.told).toEqual({
      v: 1,
      session: expect.stringMatching(/^[0-9a-f]{32}$/),
      ticket: expect.stringMatching(new RegExp(`^\\d+\\.${first.told.session}\\.[\\w-]{43}$`)),
      windowMs: 30_000,
      epoch: 0,
      received: 0,
      resumed: false,
    });
    say(first, "a");
    await hears(first, "a");
    await drop(first);
    const second = await connect(ticketOf(first));
    expect(second.told).toEqual({ ...first.told, ticket: expect.any(String), epoch: 1, received: 1, resumed: true });
    expect(second.told.ticket).not.toBe(first.told.ticket);
  });

  test("hears what it missed, in order, before anything new; an answer among it", async () => {
    const heard: string[] = [];
    await start({ sessions: listening(heard) });
    const first = await connect();
    say(first, "a", "b", "c");
    first.raw.request(1, "edge.hold", '{"name":"late"}');
    await hears(first, "a");
    await expect.poll(() => edge.held).toBe(1);
    await drop(first);
    edge.release();
    const second = await connect(ticketOf(first));
    expect(second.told.received).toBe(4);
    say(second, "d");
    await hears(second, "b", "c", "1: late", "d");
    expect(heard).toEqual(["open", "pause paused", "resume open"]);
    expect([counters().replayed, some(counters().resumes)]).toEqual([3, { resumed: 1 }]);
  });

  test("sends again what the server has not counted, and nothing runs twice", async () => {
    await start();
    let client = await connect();
    const texts = Array.from({ length: 20 }, (_, at) => `${at}`);
    let sent = 0;
    for (let round = 0; round < 5; round++) {
      // The server reads four of them, whatever became of the others.
      say(client, ...texts.slice(sent, sent + 4));
      await expect.poll(() => counters().messages).toBe(sent + 4);
      await drop(client);
      client = await connect(ticketOf(client));
      sent += client.told.received;
      expect(client.told).toMatchObject({ resumed: true, received: 4, epoch: round + 1 });
    }
    await hears(client, ...texts);
  });

  test("comes before the server saw that it had gone", async () => {
    const heard: string[] = [];
    await start({ sessions: listening(heard) });
    const first = await connect();
    say(first, "a", "b");
    await hears(first, "a", "b");
    const second = await connect(ticketOf(first));
    await first.raw.closed();
    say(second, "c");
    await hears(second, "c");
    expect(second.told).toMatchObject({ session: first.told.session, resumed: true, received: 2 });
    expect(heard).toEqual(["open", "pause paused", "resume open"]);
  });

  test("may come before its first ack was read", async () => {
    await start();
    const first = await connect(undefined, false);
    await drop(first);
    const second = await connect(ticketOf(first));
    expect(second.told).toMatchObject({ session: first.told.session, resumed: true, received: 0 });
    say(second, "a");
    await hears(second, "a");
  });

  test("may come with the ticket of before while it has not acknowledged the next, and not after", async () => {
    await start();
    const first = await connect();
    say(first, "a", "b");
    await hears(first, "a");
    await drop(first);
    const half = await connect(ticketOf(first), false);
    const other = await connect(ticketOf(first), false);
    await half.raw.closed();
    const third = await connect(ticketOf(first));
    await other.raw.closed();
    expect(third.told).toMatchObject({ resumed: true, epoch: 1 });
    await hears(third, "b");
    for (const void_ of [first, half, other]) {
      expect((await connect({ ...ticketOf(void_), received: 0 })).told).toMatchObject({ resumed: false, reset: "unknown" });
    }
    say(third, "c");
    await hears(third, "c");
  });

  test("may come with the next ticket though its ack was lost: it counts from there", async () => {
    await start();
    const first = await connect();
    say(first, "a", "b", "c");
    await hears(first, "a", "b");
    await drop(first);
    const half = await connect(ticketOf(first), false);
    await drop(half);
    const third = await connect(ticketOf(half));
    expect(third.told).toMatchObject({ resumed: true, epoch: 2, received: 0 });
    await hears(third, "c");
  });

  test("need not hear again what it says it has read", async () => {
    await start({ limits: { queueMessages: 8, messagesPerSecond: Number.POSITIVE_INFINITY } });
    let client = await connect();
    for (let round = 0; round < 10; round++) {
      const texts = Array.from({ length: 7 }, (_, at) => `${round} ${at}`);
      say(client, ...texts);
      await hears(client, ...texts);
      client.count();
    }
    say(client, "last");
    await hears(client, "last");
    await drop(client);
    client = await connect({ ticket: client.told.ticket, received: client.received - 1 });
    await hears(client, "last");
    expect([counters().tooSlow, some(counters().resumes)]).toEqual([0, { resumed: 1 }]);
  });

  test("is told every 64 packets, or 32 KiB, that they came", async () => {
    await start({ limits: { heartbeatMs: 60_000, messagesPerSecond: Number.POSITIVE_INFINITY } });
    const client = await connect();
    for (let at = 0; at < 64; at++) client.raw.notify("a.b");
    expect(await client.counted()).toBe(64);
    const large = JSON.stringify({ name: "x".repeat(20_000) });
    for (let at = 0; at < 2; at++) client.raw.notify("a.b", large);
    expect(await client.counted()).toBe(66);
  });

  test.each([
    ["more than was sent", 2],
    ["less than it said before", 0],
    ["no number of packets", 0.5],
  ])("with a count that is %s gets a new session", async (_, received) => {
    await start();
    const first = await connect();
    say(first, "a");
    await hears(first, "a");
    await acknowledge(first);
    await drop(first);
    const second = await connect({ ticket: first.told.ticket, received });
    expect(second.told).toMatchObject({ resumed: false, reset: "history", epoch: 0, received: 0 });
    expect(second.told.session).not.toBe(first.told.session);
    await expect.poll(() => sessionsNow()).toBe(1);
    expect(some(counters().resumes)).toEqual({ history: 1 });
  });

  test.each(["", "x", "1.2.3", `1.${"0".repeat(32)}.${"A".repeat(43)}`])(
    "with the ticket %j gets a new session",
    async (ticket) => {
      await start();
      const { told } = await connect({ ticket, received: 0 });
      expect(told).toMatchObject({ resumed: false, reset: ticket.length > 10 ? "frontend" : "unknown" });
    },
  );

  test("with a ticket that it made up for a session of another gets a new session, and the other keeps its own", async () => {
    await start();
    const first = await connect();
    const forged = first.told.ticket.replace(/[^.]+$/, "A".repeat(43));
    expect((await connect({ ticket: forged, received: 0 })).told).toMatchObject({ resumed: false, reset: "unknown" });
    say(first, "a");
    await hears(first, "a");
  });
});

test.each([
  ["that was not sent", Uint8Array.of(1)],
  ["that does not end", Uint8Array.of(0x80)],
  ["with something behind it", Uint8Array.of(0, 0)],
  ["of a hundred bytes", new Uint8Array(100).fill(0xff)],
])("a count %s breaks the protocol", async (_, body) => {
  await start();
  const { raw } = await connect();
  raw.sendPacket(PacketType.heartbeat, body);
  const [last] = (await raw.closed()).slice(-1);
  expect([last?.type, JSON.parse(textOf(last?.body ?? new Uint8Array(0)))]).toMatchObject([
    PacketType.kick,
    { code: "invalid_argument" },
  ]);
  expect(sessionsNow()).toBe(0);
});

describe("a session without its client", () => {
  test("waits 30 s, and then has ended", async () => {
    const clock = createVirtualClock();
    const heard: string[] = [];
    await start({ clock, sessions: listening(heard), limits: { unboundMs: 0 } });
    const dropped: NanoClient[] = [];
    for (let at = 0; at < 2; at++) {
      const client = await connect();
      dropped.push(client);
      say(client, "a");
      await hears(client, "a");
      await drop(client);
    }
    const [early, late] = dropped as [NanoClient, NanoClient];
    clock.moveTo(29_000);
    const back = await connect(ticketOf(early));
    expect(back.told.resumed).toBe(true);
    say(back, "b");
    await hears(back, "b");
    clock.moveTo(31_000);
    await turn();
    expect(sessionsNow()).toBe(1);
    expect((await connect(ticketOf(late))).told).toMatchObject({ resumed: false, reset: "expired" });
    expect(heard).toEqual(["open", "pause paused", "open", "pause paused", "resume open", "close lost"]);
  });

  test("ends at once where its client said goodbye, cannot come back, or resumeMs is 0", async () => {
    const heard: string[] = [];
    await start({ sessions: listening(heard) });
    const client = await connect();
    say(client, "a");
    await hears(client, "a");
    client.raw.sendPacket(PacketType.kick, "{}");
    await client.raw.closed();
    expect([heard, sessionsNow()]).toEqual([["open", "close left"], 0]);
    expect((await connect(ticketOf(client))).told).toMatchObject({ resumed: false, reset: "unknown" });
    const old = await rawTcp(edge.tcp);
    await old.open();
    old.request(1, "a.b");
    await old.message();
    old.close();
    await expect.poll(() => heard.at(-1)).toBe("close lost");
    await edge[Symbol.asyncDispose]();

    await start({ limits: { resumeMs: 0 } });
    const brief = await connect();
    expect(brief.told).toMatchObject({ ticket: "", windowMs: 0 });
    brief.raw.close();
    await expect.poll(() => sessionsNow()).toBe(0);
    expect(counters().paused).toBe(0);
  });

  test("that is kicked, or whose user came with another, says so to a client that comes back", async () => {
    await start();
    const first = await connect();
    first.raw.request(1, "edge.login", '{"name":"ann"}');
    await hears(first, "1: ann");
    await drop(first);
    const other = await connect();
    other.raw.request(1, "edge.login", '{"name":"ann"}');
    await hears(other, "1: ann");
    expect(await refused(ticketOf(first))).toMatchObject({ code: "replaced" });
    expect(some(counters().resumes)).toEqual({ refused: 1 });
  });

  test("ends where more waits than may", async () => {
    const sessions: Held[] = [];
    await start({ limits: { queueMessages: 4 }, sessions: pushing(sessions) });
    const client = await connect();
    say(client, "a");
    await hears(client, "a");
    await acknowledge(client);
    say(client, "b");
    await hears(client, "b");
    await drop(client);
    for (let at = 0; at < 3; at++) sessions[0]?.push();
    expect(sessionsNow()).toBe(1);
    sessions[0]?.push();
    expect(sessionsNow()).toBe(0);
    expect((await connect(ticketOf(client))).told).toMatchObject({ resumed: false, reset: "too_slow" });
  });

  test("gives way, the oldest first, where the logs of all hold more than they may, or too many wait", async () => {
    const sessions: Held[] = [];
    await start({ limits: { processQueueBytes: 1_000, pausedSessions: 3 }, sessions: pushing(sessions) });
    const all = [await connect(), await connect(), await connect(), await connect()];
    for (const client of all) {
      say(client, "a");
      await hears(client, "a");
      await acknowledge(client);
      await drop(client);
    }
    expect((await connect(ticketOf(all[0] as NanoClient))).told).toMatchObject({ reset: "full" });
    // Of 72 bytes each, 13 are within the bound.
    for (let at = 0; at < 13; at++) sessions[3]?.push();
    expect(sessionsNow()).toBe(4);
    sessions[3]?.push();
    expect(sessionsNow()).toBe(1);
    expect((await connect(ticketOf(all[1] as NanoClient))).told).toMatchObject({ reset: "full" });
    expect(some(counters().limits)).toEqual({ pausedSessions: 1, processQueueBytes: expect.any(Number) });
  });
});

test("a session without its client ends when its server stops: the client hears `moved` while that lasts, and has a new session elsewhere", async () => {
  const heard: string[] = [];
  await start({ sessions: listening(heard) });
  const client = await connect();
  say(client, "a");
  await hears(client, "a");
  await drop(client);
  // Somebody is waited for.
  const busy = await connect();
  busy.raw.request(1, "edge.hold", '{"name":"late"}');
  await expect.poll(() => edge.held).toBe(1);
  // Who knocks later finds the door shut.
  const raw = await rawTcp(edge.tcp);
  const { accepted } = counters();
  const stopped = edge.server.stop({ graceMs: 20_000 });
  await expect.poll(() => heard).toEqual(["open", "pause paused", "open", "close draining moved"]);
  expect(counters().accepted).toBe(accepted);
  expect(await raw.handshake({ sys: { nano: { v: 1, resume: ticketOf(client) } } })).toMatchObject({
    code: 503,
    sys: { nano: { retry: { afterMs: 0 } } },
  });
  expect(JSON.parse(textOf((await raw.packet()).body))).toMatchObject({ code: "moved" });
  edge.release();
  await hears(busy, "1: late");
  await stopped;
  expect(heard.slice(4)).toEqual(["close draining moved"]);
  await start();
  expect((await connect(ticketOf(client))).told).toMatchObject({ resumed: false, reset: "frontend" });
});

describe("a client that was kicked while it was away", () => {
  const sessions: Held[] = [];
  const kick = { code: "banned", reason: "not today" };

  async function away(options?: EdgeOptions): Promise<NanoClient> {
    sessions.length = 0;
    await start({ ...options, sessions: pushing(sessions) });
    const client = await connect();
    say(client, "a");
    await hears(client, "a");
    await drop(client);
    return client;
  }

  /** What is read until the server has closed the connection: what was pushed, then the kick, and no more. */
  async function hearsTheEnd({ raw }: NanoClient): Promise<readonly unknown[]> {
    const packets = await raw.closed();
    return packets.map(({ type, body }) => (type === PacketType.kick ? JSON.parse(textOf(body)) : type));
  }

  test("hears what was pushed before, and then the kick, as often as it comes back for it", async () => {
    const client = await away();
    for (const text of ["b", "c"]) sessions[0]?.push(text);
    sessions[0]?.kick();
    sessions[0]?.push("after the end");
    expect(sessionsNow()).toBe(0);
    const second = await connect(ticketOf(client));
    expect(second.told).toMatchObject({ session: client.told.session, resumed: true, epoch: 1 });
    await hears(second, "b");
    const third = await connect(ticketOf(second));
    expect(third.told).toMatchObject({ session: client.told.session, resumed: true, epoch: 2 });
    await hears(third, "c");
    expect(await hearsTheEnd(third)).toEqual([kick]);
    // Nobody knows whether it has heard the kick.
    const last = await connect({ ticket: third.told.ticket, received: 0 });
    await hears(last, "c");
    expect(await hearsTheEnd(last)).toEqual([kick]);
    expect(await refused(ticketOf(last))).toEqual(kick);
    expect(counters().replayed).toBe(4);
  });

  test("hears the kick alone where it has heard all else, or there is no room to keep that", async () => {
    const client = await away({ limits: { processQueueBytes: 400 } });
    say(client, "x");
    for (const text of ["b", "c"]) sessions[0]?.push(text);
    sessions[0]?.kick();
    const other = await connect();
    say(other, "d");
    await hears(other, "d");
    for (let at = 0; at < 4; at++) sessions[1]?.push();
    expect(await refused(ticketOf(client))).toEqual(kick);
    // Who is there was not cut off for it.
    await hears(other, ...Array<string>(4).fill("pushed"));
    await acknowledge(other);
    await drop(other);
    sessions[1]?.kick();
    expect(await refused(ticketOf(other))).toEqual(kick);
  });

  test("is asked by authenticate before it hears a word", async () => {
    const client = await away({
      authenticate: ({ resumed }) => (resumed ? { code: "expired", reason: "log in again" } : undefined),
    });
    sessions[0]?.push("secret");
    sessions[0]?.kick();
    expect(await refused(ticketOf(client))).toMatchObject({ code: "expired" });
  });

  test("hears both until the window is over, and is unknown then", async () => {
    const clock = createVirtualClock();
    const client = await away({ clock });
    sessions[0]?.push("b");
    sessions[0]?.kick();
    clock.moveTo(29_000);
    await hears(await connect(ticketOf(client)), "b");
    clock.moveTo(31_000);
    await turn();
    expect((await connect(ticketOf(client))).told).toMatchObject({ resumed: false, reset: "unknown" });
  });

  test("hears both when it is kicked between the handshake and its ack", async () => {
    const client = await away();
    sessions[0]?.push("b");
    const second = await connect(ticketOf(client), false);
    sessions[0]?.kick();
    expect(sessionsNow()).toBe(0);
    second.raw.ack();
    await hears(second, "b");
    expect(await hearsTheEnd(second)).toEqual([kick]);
  });
});

describe("a client that reads too slowly", () => {
  const sessions: Held[] = [];
  const pushed = (count: number): readonly string[] => Array<string>(count).fill("pushed");
  // Nobody is ended for anything else meanwhile.
  const limits = { queueMessages: 4, heartbeatMs: 120_000, deadMs: 240_000, unboundMs: 0 };
  let queued = 0;

  async function slow(options: EdgeOptions): Promise<NanoClient> {
    sessions.length = queued = 0;
    await start({ ...options, seen: { queuedBytes: () => queued }, sessions: pushing(sessions) });
    const client = await connect();
    say(client, "a");
    await hears(client, "a");
    client.count();
    return client;
  }

  /** Takes nothing while it is sent so much, is cut off for it, and comes back. */
  async function cutBy(client: NanoClient, pushes: number): Promise<NanoClient> {
    client.raw.request(9, "a.b", '{"room":"r"}');
    await hears(client, "9: r");
    await acknowledge(client);
    queued = 1_000_000;
    for (let at = 0; at < pushes - 1; at++) sessions[0]?.push();
    const before = counters().tooSlow;
    sessions[0]?.push();
    expect(counters().tooSlow).toBe(before + 1);
    const [last] = (await client.raw.closed()).slice(-1);
    expect(JSON.parse(textOf(last?.body ?? new Uint8Array(0)))).toMatchObject({ code: "too_slow" });
    queued = 0;
    return connect(ticketOf(client));
  }

  test("is cut off, and comes back for what waits; the third time within a minute it may not", async () => {
    const clock = createVirtualClock();
    let client = await slow({ clock, limits });
    for (let round = 0; round < 2; round++) {
      client = await cutBy(client, 5);
      expect(client.told.resumed).toBe(true);
      await hears(client, ...pushed(5));
      client.count();
    }
    clock.moveTo(59_999);
    expect((await cutBy(client, 5)).told).toMatchObject({ resumed: false, reset: "too_slow" });
  });

  test("may come back the third time where the first was a minute ago", async () => {
    const clock = createVirtualClock();
    let client = await slow({ clock, limits });
    for (const atMs of [0, 30_000, 60_000]) {
      clock.moveTo(atMs);
      client = await cutBy(client, 5);
      expect(client.told.resumed).toBe(true);
      await hears(client, ...pushed(5));
      client.count();
    }
  });

  test("is cut off, too, where the logs of all hold more than they may, at the very push", async () => {
    // Each push is weighed with 72 bytes.
    const client = await cutBy(await slow({ limits: { processQueueBytes: 10 * 72 } }), 11);
    expect(client.told.resumed).toBe(true);
    await hears(client, ...pushed(11));
    expect(some(counters().limits)).toEqual({ processQueueBytes: 1 });
  });
});

describe("authenticate", () => {
  test("is asked with what the client says now, and can refuse; the session waits on", async () => {
    const asked: Handshake[] = [];
    let refuse = false;
    await start({
      authenticate(handshake) {
        asked.push(handshake);
        return refuse ? { code: "banned", reason: "not today" } : { user: handshake.resumed ? "another" : "ann" };
      },
    });
    const first = await connect();
    await drop(first);
    refuse = true;
    expect(await refused(ticketOf(first))).toEqual({ code: "banned", reason: "not today" });
    refuse = false;
    const second = await connect(ticketOf(first));
    expect(second.told.session).toBe(first.told.session);
    second.raw.request(1, "edge.who");
    await hears(second, "1: ann");
    expect(asked.map(({ resumed }) => resumed)).toEqual([false, true, true]);
  });
});

/** What a test does to a session. */
interface Held {
  push(text?: string): void;
  kick(): void;
}

/** Gives what pushes to each session, and kicks it, in the order they came. */
function pushing(sessions: Held[]): ServerSessionHooks[] {
  const body = (text: string): Uint8Array => toBinary(SaidResponseSchema, create(SaidResponseSchema, { text }));
  return [
    {
      attach: (core) =>
        void sessions.push({
          push: (text = "pushed") => core.push({ route: "edge.said", body: body(text), delivery: "replay" }),
          kick: () => core.kick({ code: "banned", reason: "not today" }),
        }),
    },
  ];
}
