import { once } from "node:events";
import { connect as connectSocket, type Socket } from "node:net";
import type { FrontendCounters, FrontendLimits, LimitName } from "nano-rpc";
import { type Client, createClient, NanoError } from "nano-rpc/client";
import { tcp } from "nano-rpc/client/tcp";
import { afterEach, describe, expect, test } from "vitest";
import { createVirtualClock } from "../../src/clock/index.ts";
import { createDoor } from "../../src/frontend/door.ts";
import { resolveLimits } from "../../src/frontend/index.ts";
import { createFrontendCounters } from "../../src/metrics/index.ts";
import { PacketType } from "../../src/packet/index.ts";
import { type RawClient, rawTcp, rawWebSocket } from "../support/raw-client.ts";
import { type RawPacket, textOf } from "../support/raw-peer.ts";
import { type EdgeOptions, type EdgeServer, startEdge } from "./edge-server.ts";

const jsClient = { sys: { type: "js-websocket", version: "1.2" } };
const nanoClient = { sys: { platform: "test", nano: { v: 1 } } };
const { handshake, kick } = PacketType;
const transports = ["TCP", "WebSocket"] as const;

let edge: EdgeServer;
const raws: RawClient[] = [];
const clients: Client[] = [];

async function start(limits: FrontendLimits, options: EdgeOptions = {}): Promise<void> {
  edge = await startEdge({ limits, ...options });
}

async function connect(over: (typeof transports)[number] = "TCP"): Promise<RawClient> {
  const raw = await (over === "TCP" ? rawTcp(edge.tcp) : rawWebSocket(edge.ws));
  raws.push(raw);
  return raw;
}

afterEach(async () => {
  for (const raw of raws.splice(0)) raw.close();
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await edge[Symbol.asyncDispose]();
});

function counters(): FrontendCounters {
  const { frontend } = edge.server.counters;
  if (!frontend) throw new Error("no counters of a frontend");
  return frontend;
}

/** The limits that were hit. */
function hits(): Partial<Record<LimitName, number>> {
  return Object.fromEntries(Object.entries(counters().limits).filter(([, count]) => count > 0));
}

function read(packets: readonly RawPacket[]): unknown[] {
  return packets.map(({ type, body }) => [type, JSON.parse(textOf(body))]);
}

async function works(raw: RawClient): Promise<void> {
  raw.request(9, "a.b", '{"room":"r"}');
  expect(JSON.parse((await raw.message()).text)).toEqual({ members: ["r", ""] });
}

/** A client with an open session. */
async function open(over?: (typeof transports)[number]): Promise<RawClient> {
  const raw = await connect(over);
  await raw.open(jsClient);
  await works(raw);
  return raw;
}

/** Whether one more is let in. */
function comesIn(over: (typeof transports)[number]): Promise<boolean> {
  return open(over).then(
    () => true,
    () => false,
  );
}

async function login(raw: RawClient, name: string): Promise<void> {
  raw.request(1, "edge.login", JSON.stringify({ name }));
  await raw.message();
}

/** What those who are sent away hear: an answer that tells nano clients when to come back, and a kick for all. */
function told(code: string, afterMs?: unknown): unknown[] {
  const sys = afterMs === undefined ? {} : { sys: { nano: { retry: { afterMs } } } };
  return [
    [handshake, { code: 503, message: expect.stringMatching(/./), ...sys }],
    [kick, { code, reason: expect.stringMatching(/./) }],
  ];
}

describe.each(transports)("who may be connected, over %s", (over) => {
  test("connections: at the limit one more is told that the server is full", async () => {
    await start({ connections: 2 });
    const [one] = [await open(over), await open(over)];
    expect(read(await (await connect(over)).closed())).toMatchObject(told("busy", expect.any(Number)));
    expect(hits()).toEqual({ connections: 1 });
    await works(one);
    one.close();
    await expect.poll(() => comesIn(over)).toBe(true);
  });

  test("connectionsPerAddress: one more of an address is told so, others are not concerned", async () => {
    let remoteAddress = "203.0.113.7";
    await start({ connectionsPerAddress: 2 }, { seen: { remoteAddress: () => remoteAddress } });
    const first = await open(over);
    await open(over);
    const third = read(await (await connect(over)).closed());
    expect(third).toMatchObject(told("resource_exhausted"));
    // Coming back would not help.
    expect(third[0]).not.toHaveProperty([1, "sys", "nano"]);
    expect(hits()).toEqual({ connectionsPerAddress: 1 });
    for (const elsewhere of ["203.0.113.8", "127.0.0.1", "127.0.0.1", "127.0.0.1"]) {
      remoteAddress = elsewhere;
      await open(over);
    }
    remoteAddress = "::ffff:203.0.113.7";
    first.close();
    await expect.poll(() => comesIn(over)).toBe(true);
  });

  test("unauthenticated: sockets before the ack of their handshake", async () => {
    await start({ unauthenticated: 2, unboundMs: 0 });
    const one = await connect(over);
    const two = await connect(over);
    await two.handshake(jsClient);
    expect(read(await (await connect(over)).closed())).toMatchObject(told("busy", expect.any(Number)));
    expect(hits()).toEqual({ unauthenticated: 1 });
    two.ack();
    await works(two);
    const three = await connect(over);
    await three.handshake(jsClient);
    expect(read(await (await connect(over)).closed())).toMatchObject(told("busy", expect.any(Number)));
    one.close();
    await expect.poll(() => comesIn(over)).toBe(true);
  });

  test("unauthenticated: sessions without a user, where the schema has methods that need one", async () => {
    await start({ unauthenticated: 2 });
    const one = await open(over);
    const two = await open(over);
    expect(read(await (await connect(over)).closed())).toMatchObject(told("busy", expect.any(Number)));
    await login(one, "ann");
    const three = await open(over);
    expect(read(await (await connect(over)).closed())).toMatchObject(told("busy", expect.any(Number)));
    await login(two, "bob");
    await login(three, "cid");
    await open(over);
    expect(hits()).toEqual({ unauthenticated: 2 });
  });
});

describe("more sockets than can be told why", () => {
  // Longer than sockets may take to close: a busy machine is no failure.
  const timeout = 20_000;

  /** Sockets that never close their side, and how many the server has let go of altogether. */
  async function crowd(port: number, count: number): Promise<{ readonly sockets: Socket[]; gone(): number }> {
    const sockets = Array.from({ length: count }, () => connectSocket({ host: "127.0.0.1", port, allowHalfOpen: true }));
    for (const socket of sockets) socket.on("error", () => {}).resume();
    await Promise.all(sockets.map((socket) => once(socket, "connect")));
    return { sockets, gone: () => sockets.filter(({ closed }) => closed).length };
  }

  test("the next are closed under them, and nobody else notices", async () => {
    await start({ connections: 2_000, unauthenticated: 1, unboundMs: 0 });
    const first = await open();
    const { sockets, gone } = await crowd(edge.tcp, 1_020);
    await expect.poll(() => counters().limits.unauthenticated, { timeout }).toBe(1_019);
    // Only a socket that is gone altogether answers with a reset.
    await expect
      .poll(
        () => {
          for (const socket of sockets.slice(900)) if (socket.writable) socket.write("x");
          return gone();
        },
        { timeout },
      )
      .toBeGreaterThanOrEqual(18);
    await works(first);
    for (const socket of sockets) socket.destroy();
  });

  test("nor are more kept of those that never asked for a WebSocket", async () => {
    await start({ connections: 1 });
    const { sockets, gone } = await crowd(edge.ws, 1_020);
    await expect
      .poll(
        () => {
          for (const socket of sockets.slice(1_001)) if (socket.writable) socket.write("G");
          return gone();
        },
        { timeout },
      )
      .toBeGreaterThanOrEqual(19);
    for (const socket of sockets) socket.destroy();
  });

  test("a thousand may take their time to close", () => {
    const limits = resolveLimits({ connections: 1 });
    const door = createDoor({ limits, hits: createFrontendCounters().limits, bound: () => undefined });
    for (let socket = 0; socket < 1 + 1_000; socket++) door.enter("127.0.0.1");
    expect(door.crowded).toBe(false);
    door.enter("127.0.0.1");
    expect(door.crowded).toBe(true);
    door.released();
    expect(door.crowded).toBe(false);
  });
});

describe("handshakes", () => {
  test.each(transports)("handshakesPerSecond: those beyond hear when to come back, or that it is busy, over %s", async (over) => {
    const clock = createVirtualClock();
    await start({ handshakesPerSecond: 2 }, { clock });
    await open(over);
    await open(over);
    const nano = await connect(over);
    nano.sendPacket(handshake, JSON.stringify(nanoClient));
    expect(read(await nano.closed())).toMatchObject(told("busy", 1_000));
    const other = await connect(over);
    other.sendPacket(handshake, JSON.stringify(jsClient));
    const heard = read(await other.closed());
    expect(heard).toMatchObject(told("busy"));
    expect(heard[0]).not.toHaveProperty([1, "sys", "nano"]);
    expect(hits()).toEqual({ handshakesPerSecond: 2 });
    expect(counters().handshakesRefused).toMatchObject({ busy: 2, other: 0 });
    clock.moveTo(500);
    await open(over);
  });

  test("heapShare: over the watermark nobody is taken", async () => {
    await start({ heapShare: 1e-9 });
    const raw = await connect();
    raw.sendPacket(handshake, JSON.stringify(nanoClient));
    expect(read(await raw.closed())).toMatchObject(told("busy", 1_000));
    expect(hits()).toEqual({ heapShare: 1 });
  });

  test("a storm of clients that were never in: all come in, without a call of the application", async () => {
    await start({ handshakesPerSecond: 10, unauthenticated: 25, unboundMs: 0 });
    const transport = (): ReturnType<typeof tcp> => tcp({ host: "127.0.0.1", port: edge.tcp });
    for (let at = 0; at < 40; at++) {
      clients.push(createClient({ transport: transport(), reconnect: { minDelayMs: 200 } }));
    }
    await Promise.all(clients.map((client) => client.connect()));
    const { handshakesPerSecond, unauthenticated } = counters().limits;
    expect(handshakesPerSecond + unauthenticated).toBeGreaterThanOrEqual(20);
    expect(clients.every(({ state }) => state.name === "open")).toBe(true);
  }, 20_000);

  test("an address with too many connections is not one to come back to", async () => {
    await start({ connectionsPerAddress: 1 }, { seen: { remoteAddress: () => "203.0.113.7" } });
    await open();
    const client = createClient({ transport: tcp({ host: "127.0.0.1", port: edge.tcp }) });
    clients.push(client);
    const error = await client.connect().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(NanoError);
    expect(error).toMatchObject({ code: "resource_exhausted", message: expect.stringContaining("this address") });
    expect(client.state.name).toBe("closed");
  });

  test("while the server drains they are told to go elsewhere", async () => {
    await start({});
    const early = await connect();
    const session = await open();
    session.request(1, "edge.hold");
    await expect.poll(() => edge.held).toBe(1);
    const drained = edge.server.drain();
    early.sendPacket(handshake, JSON.stringify(nanoClient));
    expect(read(await early.closed())).toMatchObject(told("moved"));
    edge.release();
    await drained;
  });
});
