import { once } from "node:events";
import { connect as connectSocket } from "node:net";
import { deflateSync } from "node:zlib";
import type { FrontendCounters, FrontendLimits, LimitName } from "nano-rpc";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { createVirtualClock, type VirtualClock } from "../../src/clock/index.ts";
import { WriteProgress } from "../../src/frontend/progress.ts";
import { encodeMessage, MessageKind } from "../../src/message/index.ts";
import { encodePacket, PacketType } from "../../src/packet/index.ts";
import { type RawClient, rawTcp, rawWebSocket } from "../support/raw-client.ts";
import { bytesOf, type RawPacket, rawSocketPeer, textOf } from "../support/raw-peer.ts";
import { type EdgeOptions, type EdgeServer, firstRoom, startEdge } from "./edge-server.ts";

const jsClient = { sys: { type: "js-websocket", version: "1.2" } };
const nanoClient = { sys: { platform: "test", nano: { v: 1 } } };
const { handshake, heartbeat, data, kick } = PacketType;

let edge: EdgeServer;
let clock: VirtualClock;
const raws: RawClient[] = [];

/** Starts a server whose time stands still. */
async function start(limits: FrontendLimits = {}, options: EdgeOptions = {}): Promise<void> {
  clock = createVirtualClock();
  edge = await startEdge({ clock, limits, ...options });
}

async function connect(over: "TCP" | "WebSocket" = "TCP"): Promise<RawClient> {
  const raw = await (over === "TCP" ? rawTcp(edge.tcp) : rawWebSocket(edge.ws));
  raws.push(raw);
  return raw;
}

/** A client with an open session. */
async function open(json: object = jsClient, over: "TCP" | "WebSocket" = "TCP"): Promise<RawClient> {
  const raw = await connect(over);
  await raw.open(json);
  return raw;
}

afterEach(async () => {
  for (const raw of raws.splice(0)) raw.close();
  await edge?.[Symbol.asyncDispose]();
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

/** Packets without heartbeats, each as its type and its JSON. */
function read(packets: readonly RawPacket[]): unknown[] {
  return packets
    .filter(({ type }) => type !== heartbeat)
    .map(({ type, body }) => [type, type === data ? "" : JSON.parse(textOf(body))]);
}

/** The code of the next answer; undefined where it is no error. */
async function codeOf(raw: RawClient): Promise<string | undefined> {
  return JSON.parse((await raw.message()).text).code;
}

async function ask(raw: RawClient, route = "a.b", body = "{}"): Promise<string | undefined> {
  raw.request(1, route, body);
  return codeOf(raw);
}

function sayingPacket(text: string): Uint8Array {
  const header = { kind: MessageKind.notify, id: 0, route: "edge.say", code: -1, compressed: false, error: false };
  return encodePacket(data, encodeMessage(header, bytesOf(JSON.stringify({ text }))));
}

describe("before the handshake is done", () => {
  test("handshakeMs: at 5 s it is over", async () => {
    await start();
    const raw = await connect();
    await raw.handshake(jsClient);
    clock.moveTo(4_000);
    raw.sendPacket(heartbeat);
    raw.ack();
    expect(await ask(raw)).toBeUndefined();
    const late = await connect();
    await late.handshake(jsClient);
    clock.moveTo(9_000);
    expect(read(await late.closed())).toEqual([[kick, { code: "deadline_exceeded", reason: "the handshake took too long" }]]);
    expect(hits()).toEqual({ handshakeMs: 1 });
    expect(counters().handshakesRefused).toMatchObject({ deadline_exceeded: 1, other: 0 });
  });

  test.each(["TCP", "WebSocket"] as const)("handshakeBytes: all that comes before the ack counts, over %s", async (over) => {
    await start({ handshakeBytes: 200 });
    const answered = async (): Promise<RawClient> => {
      const raw = await connect(over);
      // 4 of header, 96 of body; then heartbeats of 4 bytes.
      raw.sendPacket(handshake, `{"user":{"fill":"${"x".repeat(96 - 20)}"}}`);
      expect((await raw.packet()).body.length).toBeGreaterThan(0);
      for (let at = 0; at < 24; at++) raw.sendPacket(heartbeat);
      return raw;
    };
    const fits = await answered();
    fits.sendPacket(heartbeat);
    fits.ack();
    expect(await ask(fits)).toBeUndefined();
    const over4 = await answered();
    over4.sendPacket(heartbeat);
    over4.sendPacket(heartbeat);
    expect(await over4.closed()).toEqual([]);
    expect(hits()).toEqual({ handshakeBytes: 1 });
  });

  test("handshakeBytes: a larger packet is not even read", async () => {
    await start();
    const raw = await connect();
    raw.send(Uint8Array.of(handshake, 0, 0x0f, 0xfd));
    expect(await raw.closed()).toEqual([]);
    expect(hits()).toEqual({ handshakeBytes: 1 });
  });
});

describe("packets", () => {
  const sized = (bytes: number): string => JSON.stringify({ room: "x".repeat(bytes - 21), name: "" });

  test.each(["TCP", "WebSocket"] as const)("packetBytes: at the limit and beyond, over %s", async (over) => {
    await start({ packetBytes: 1_000 });
    const raw = await open(jsClient, over);
    // 4 of packet; flags, id, and the route with its length.
    expect(await ask(raw, "a.b", sized(1_000 - 10))).toBeUndefined();
    raw.request(2, "a.b", sized(1_001 - 10));
    // `ws` closes by itself, with 1009.
    expect(read(await raw.closed())).toMatchObject(over === "TCP" ? [[kick, { code: "invalid_argument" }]] : []);
    await expect.poll(hits).toEqual({ packetBytes: 1 });
    expect(counters().violations).toBe(1);
  });

  test("packetBytes: inflated too", async () => {
    await start({ packetBytes: 1_000 });
    const raw = await open();
    const deflated = (bytes: number): Uint8Array =>
      encodeMessage(
        { kind: MessageKind.request, id: 1, route: "a.b", code: -1, compressed: true, error: false },
        deflateSync(bytesOf(sized(bytes))),
      );
    raw.sendPacket(data, deflated(1_000));
    expect(await codeOf(raw)).toBeUndefined();
    raw.sendPacket(data, deflated(1_001));
    expect(read(await raw.closed())).toMatchObject([[kick, { code: "invalid_argument" }]]);
    expect(hits()).toEqual({ packetBytes: 1 });
  });

  test("packetOutBytes: a larger answer is an error, a larger push is not sent; the session goes on", async () => {
    await start({ packetOutBytes: 200 });
    const raw = await open(nanoClient);
    const room = (bytes: number): string => JSON.stringify({ room: "x".repeat(bytes - 19) });
    raw.request(1, "a.b", room(200));
    expect((await raw.message()).body).toHaveLength(200);
    expect(await ask(raw, "a.b", room(201))).toBe("resource_exhausted");
    const text = (bytes: number): string => JSON.stringify({ text: "x".repeat(bytes - 25) });
    raw.notify("edge.say", text(201));
    raw.notify("edge.say", text(200));
    expect(await raw.message()).toMatchObject({ kind: MessageKind.push, body: { length: 200 } });
    expect(hits()).toEqual({ packetOutBytes: 2 });
  });

  test("fragments: a message may come in so many", async () => {
    await start({ fragments: 8 });
    const inPieces = async (pieces: number): Promise<WebSocket> => {
      const socket = new WebSocket(`ws://127.0.0.1:${edge.ws}`);
      await once(socket, "open");
      const packet = encodePacket(handshake, bytesOf("{}".padEnd(pieces - 4)));
      for (let at = 0; at < pieces; at++) socket.send(packet.subarray(at, at + 1), { fin: at === pieces - 1 });
      return socket;
    };
    const fits = await inPieces(8);
    const [answer] = await once(fits, "message");
    expect(answer[0]).toBe(handshake);
    fits.terminate();
    const [code] = await once(await inPieces(9), "close");
    expect(code).toBe(1008);
    await expect.poll(hits).toEqual({ fragments: 1 });
  });

  test.each([
    ["a response", MessageKind.response],
    ["a push", MessageKind.push],
  ])("%s of a client closes", async (_what, kind) => {
    await start();
    const raw = await open();
    raw.sendPacket(data, encodeMessage({ kind, id: 1, route: "a.b", code: -1, compressed: false, error: false }, bytesOf("{}")));
    const reason = "clients send requests and notifies only";
    expect(read(await raw.closed())).toEqual([[kick, { code: "invalid_argument", reason }]]);
    expect(counters().violations).toBe(1);
  });
});

describe("how much a session sends", () => {
  test("messagesPerSecond: the burst goes, one more is refused, and time brings more", async () => {
    await start({ messagesPerSecond: 10, messagesBurst: 20 });
    const raw = await open(nanoClient);
    for (let at = 0; at < 20; at++) expect(await ask(raw)).toBeUndefined();
    expect(await ask(raw)).toBe("resource_exhausted");
    raw.notify("edge.say");
    expect(await raw.message()).toMatchObject({ route: "nano.failed" });
    clock.moveTo(100);
    expect(await ask(raw)).toBeUndefined();
    expect(await ask(raw)).toBe("resource_exhausted");
    expect(hits()).toEqual({ messagesPerSecond: 3 });
    expect(counters().refused.limit).toBe(3);
  });

  test("messagesPerSecond: whoever goes on and on is kicked", async () => {
    await start({ messagesPerSecond: 10, messagesBurst: 20 });
    const raw = await open();
    for (let at = 0; at < 20 + 50; at++) raw.notify("edge.say");
    // Heartbeats are packets as well.
    raw.request(1, "a.b");
    raw.sendPacket(heartbeat);
    const [last] = read(await raw.closed()).slice(-1);
    expect(last).toMatchObject([kick, { code: "resource_exhausted" }]);
    expect(hits()).toEqual({ messagesPerSecond: 51 });
  });

  test("messagesPerSecond: a flood of heartbeats is one of messages", async () => {
    await start({ messagesPerSecond: 10, messagesBurst: 20 });
    const raw = await open();
    for (let at = 0; at < 20 + 49; at++) raw.sendPacket(heartbeat);
    expect(await ask(raw)).toBe("resource_exhausted");
    raw.sendPacket(heartbeat);
    expect(read(await raw.closed())).toMatchObject([[kick, { code: "resource_exhausted" }]]);
  });

  test("bytesPerSecond: the burst goes, one byte more does not", async () => {
    await start({ bytesPerSecond: 1_000, bytesBurst: 2_000, packetBytes: 1_500 });
    const raw = await open();
    const sized = (bytes: number): string => JSON.stringify({ room: "x".repeat(bytes - 6 - 11) });
    expect(await ask(raw, "a.b", sized(1_000))).toBeUndefined();
    expect(await ask(raw, "a.b", sized(1_001))).toBe("resource_exhausted");
    expect(await ask(raw, "a.b", sized(1_000))).toBeUndefined();
    clock.moveTo(500);
    expect(await ask(raw, "a.b", sized(501))).toBe("resource_exhausted");
    expect(await ask(raw, "a.b", sized(500))).toBeUndefined();
    expect(hits()).toEqual({ bytesPerSecond: 2 });
  });

  test("bytesPerSecond: what inflates counts as what it becomes", async () => {
    await start({ bytesPerSecond: 1_000, bytesBurst: 2_000, packetBytes: 1_500 });
    const raw = await open();
    const header = { kind: MessageKind.request, id: 1, route: "a.b", code: -1, compressed: true, error: false };
    const send = (): void => raw.sendPacket(data, encodeMessage(header, deflateSync(bytesOf(`{"room":"${"x".repeat(1_400)}"}`))));
    send();
    expect(await codeOf(raw)).toBeUndefined();
    send();
    expect(await codeOf(raw)).toBe("resource_exhausted");
    expect(hits()).toEqual({ bytesPerSecond: 1 });
  });

  test("inFlight: one more is refused", async () => {
    await start({ inFlight: 2 });
    const raw = await open();
    raw.request(1, "edge.hold");
    raw.request(2, "edge.hold");
    await expect.poll(() => edge.held).toBe(2);
    expect(await ask(raw)).toBe("resource_exhausted");
    edge.release();
    expect([(await raw.message()).id, (await raw.message()).id]).toEqual([1, 2]);
    expect(await ask(raw)).toBeUndefined();
    expect(hits()).toEqual({ inFlight: 1 });
  });

  test("a method's own limit", async () => {
    await start();
    const raw = await open();
    for (let at = 0; at < 3; at++) expect(await ask(raw, "edge.often")).toBeUndefined();
    expect(await ask(raw, "edge.often")).toBe("resource_exhausted");
    expect(await ask(raw)).toBeUndefined();
    expect(await ask(await open(), "edge.often")).toBeUndefined();
    clock.moveTo(500);
    expect(await ask(raw, "edge.often")).toBeUndefined();
    expect(hits()).toEqual({ methodLimit: 1 });
  });

  test("a method's own limit: who goes on regardless is kicked", async () => {
    await start();
    const raw = await open();
    for (let at = 0; at < 3; at++) expect(await ask(raw, "edge.often")).toBeUndefined();
    // Of a method that may be called so rarely, 20 refusals at once mean nothing yet.
    for (let at = 0; at < 20; at++) expect(await ask(raw, "edge.often")).toBe("resource_exhausted");
    expect(await ask(raw)).toBeUndefined();
    raw.request(1, "edge.often", "{}");
    const reason = "edge.often is called far more often than it may be";
    expect(read(await raw.closed()).at(-1)).toEqual([kick, { code: "resource_exhausted", reason }]);
    expect(hits()).toEqual({ methodLimit: 21 });
    expect(counters().violations).toBe(1);
  });

  test("a method's own bound of messages side by side: more wait, and nothing waits for them", async () => {
    await start();
    const raw = await open();
    for (let id = 1; id <= 5; id++) raw.request(id, "edge.pair", "{}");
    expect(await ask(raw)).toBeUndefined();
    expect(edge.held).toBe(2);
    edge.release();
    expect([(await raw.message()).id, (await raw.message()).id]).toEqual([1, 2]);
    await expect.poll(() => edge.held).toBe(2);
    // What waits has its deadline, too.
    clock.moveTo(1_500);
    const codes = [await raw.message(), await raw.message(), await raw.message()].map(({ text }) => JSON.parse(text).code);
    expect(codes).toEqual(["deadline_exceeded", "deadline_exceeded", "deadline_exceeded"]);
    edge.release();
    raw.request(6, "edge.pair", "{}");
    await expect.poll(() => edge.held).toBe(1);
    edge.release();
    expect((await raw.message()).id).toBe(6);
  });

  test("what a message waits for its turn is measured by itself", async () => {
    await start();
    const raw = await open();
    for (let id = 1; id <= 3; id++) raw.request(id, "edge.pair", "{}");
    await expect.poll(() => edge.held).toBe(2);
    clock.moveTo(500);
    edge.release();
    await expect.poll(() => edge.held).toBe(1);
    clock.moveTo(600);
    edge.release();
    for (let id = 1; id <= 3; id++) expect((await raw.message()).id).toBe(id);
    const pair = edge.server.counters.handlers.get("edge.pair");
    expect(pair?.queueSeconds.read()).toMatchObject({ count: 3, sum: 0.5 });
    expect(pair?.seconds.read()).toMatchObject({ count: 3, sum: 0.5 + 0.5 + 0.1 });
  });

  test("a method's own bound counts a session's messages, not those of others", async () => {
    await start();
    const [one, other] = [await open(), await open()];
    for (const raw of [one, other]) for (let id = 1; id <= 3; id++) raw.request(id, "edge.pair", "{}");
    await expect.poll(() => edge.held).toBe(4);
    edge.release();
    for (const raw of [one, other]) expect([(await raw.message()).id, (await raw.message()).id]).toEqual([1, 2]);
    await expect.poll(() => edge.held).toBe(2);
  });

  test("a method's own size, of the message in protobuf", async () => {
    await start();
    const raw = await open();
    const room = (bytes: number): string => JSON.stringify({ room: "x".repeat(bytes - 2) });
    expect(await ask(raw, "edge.small", room(50))).toBeUndefined();
    expect(await ask(raw, "edge.small", room(51))).toBe("resource_exhausted");
    expect(hits()).toEqual({ methodBytes: 1 });
  });

  test("sessionDataBytes: so much and no more", async () => {
    let room = "x".repeat(98);
    await start({ sessionDataBytes: 100 }, { authenticate: () => ({ user: "ann", data: firstRoom(room) }) });
    expect(await ask(await open())).toBeUndefined();
    room += "x";
    const raw = await connect();
    raw.sendPacket(handshake, JSON.stringify(jsClient));
    expect(read(await raw.closed())).toMatchObject([
      [handshake, { code: 400 }],
      [kick, { code: "internal" }],
    ]);
    expect(hits()).toEqual({ sessionDataBytes: 1 });
  });
});

describe("time", () => {
  test.each([
    ["deadMs", nanoClient, 25_000],
    ["deadOtherMs", jsClient, 75_000],
  ] as const)("%s: since the last byte that came, whatever was sent", async (limit, client, ms) => {
    await start({ unboundMs: 0 });
    const raw = await open(client);
    expect(await ask(raw)).toBeUndefined();
    clock.moveTo(ms - 1_000);
    expect(counters().silent).toBe(0);
    raw.sendPacket(heartbeat);
    expect(await ask(raw)).toBeUndefined();
    clock.moveTo(2 * ms - 2_000);
    expect(counters().silent).toBe(0);
    clock.moveTo(2 * ms - 1_000);
    expect((await raw.closed()).every(({ type }) => type === heartbeat)).toBe(true);
    expect([counters().silent, hits()]).toEqual([1, { [limit]: 1 }]);
  });

  test("unboundMs: without a user", async () => {
    await start();
    const raw = await open();
    expect(await ask(raw)).toBeUndefined();
    clock.moveTo(29_000);
    expect(hits()).toEqual({});
    clock.moveTo(30_000);
    expect(read(await raw.closed())).toMatchObject([[kick, { code: "unauthenticated" }]]);
    expect(hits()).toEqual({ unboundMs: 1 });
  });
});

describe("a slow reader", () => {
  let full = false;
  const seen = { queuedBytes: () => (full ? 1_000_000 : 0) };

  async function stuck(limits: FrontendLimits): Promise<RawClient> {
    await start(limits, { seen });
    full = false;
    const raw = await open();
    expect(await ask(raw)).toBeUndefined();
    full = true;
    return raw;
  }

  test("queueMessages: so many wait, one more cuts", async () => {
    const raw = await stuck({ queueMessages: 5 });
    const other = await open();
    for (let at = 0; at < 5; at++) raw.notify("edge.say");
    await expect.poll(() => counters().messages).toBe(6);
    expect(hits()).toEqual({});
    raw.notify("edge.say");
    expect(read(await raw.closed())).toEqual([[kick, { code: "too_slow", reason: "the client reads too slowly" }]]);
    expect([counters().tooSlow, hits()]).toEqual([1, { queueMessages: 1 }]);
    full = false;
    expect(await ask(other)).toBeUndefined();
  });

  test("queueBytes: so many wait, one more cuts", async () => {
    // 64 an entry, beside its body in protobuf: 6 for the name, 2 for the text's length.
    const raw = await stuck({ queueBytes: 2 * (64 + 100) });
    raw.notify("edge.say", JSON.stringify({ text: "x".repeat(92) }));
    raw.notify("edge.say", JSON.stringify({ text: "x".repeat(92) }));
    await expect.poll(() => counters().messages).toBe(3);
    expect(hits()).toEqual({});
    raw.notify("edge.say", "{}");
    expect(read(await raw.closed())).toMatchObject([[kick, { code: "too_slow" }]]);
    expect(hits()).toEqual({ queueBytes: 1 });
  });

  test("much in one turn is no slowness: what the socket takes never waited", async () => {
    await start({ queueMessages: 5, queueBytes: 2_000 });
    const raw = await open();
    raw.send(Buffer.concat(Array.from({ length: 50 }, () => sayingPacket("x".repeat(100)))));
    for (let at = 0; at < 50; at++) expect(await raw.message()).toMatchObject({ kind: MessageKind.push });
    raw.notify("edge.say", JSON.stringify({ text: "x".repeat(5_000) }));
    expect((await raw.message()).body.length).toBeGreaterThan(5_000);
  });

  test("stalledMs: one that takes nothing for 10 s is cut, and those beside it lose nothing", async () => {
    await start({ queueMessages: Infinity, queueBytes: Infinity, messagesPerSecond: Infinity, bytesPerSecond: Infinity });
    const socket = connectSocket({ host: "127.0.0.1", port: edge.tcp });
    await once(socket, "connect");
    const raw = rawSocketPeer(socket);
    raw.sendPacket(handshake, "{}");
    await raw.packet();
    raw.sendPacket(PacketType.handshakeAck);
    socket.pause();
    const say = sayingPacket("x".repeat(60_000));
    for (let at = 0; at < 299; at++) socket.write(say);
    await new Promise((resolve) => socket.write(say, resolve));
    const other = await open();
    expect(await ask(other)).toBeUndefined();
    await expect.poll(() => counters().messages).toBe(301);
    clock.moveTo(10_000);
    expect(await ask(other)).toBeUndefined();
    expect(counters().tooSlow).toBe(0);
    clock.moveTo(12_000);
    expect(counters().tooSlow).toBe(1);
    expect(hits()).toEqual({ stalledMs: 1 });
    socket.resume();
    const all = await raw.closed(10_000);
    expect(read(all.slice(-1))).toMatchObject([[kick, { code: "too_slow" }]]);
    expect(all.length).toBeLessThan(300);
    expect(await ask(other)).toBeUndefined();
  });

  test("takes something, and is no stalled one; who has much before him has more time", () => {
    const progress = new WriteProgress();
    const at = (nowMs: number, written: number, queued: number): boolean => progress.stalled(nowMs, written, queued, 10_000);
    expect(at(0, 1_000, 0)).toBe(false);
    expect(at(1_000, 2_000, 1_000)).toBe(false);
    expect(at(11_000 - 1, 3_000, 2_000)).toBe(false);
    expect(at(11_000, 3_000, 2_000)).toBe(true);
    expect(at(12_000, 3_000, 1_999)).toBe(false);
    expect(at(13_000, 3_000, 1_999)).toBe(false);
    expect(at(23_000 - 1, 300_000, 298_999)).toBe(false);
    expect(at(43_000 - 1, 300_000, 298_999)).toBe(false);
    expect(at(43_000, 300_000, 298_999)).toBe(true);
  });
});

describe("a kick", () => {
  /** A client that has stopped reading, with megabytes before it. */
  async function clogged(): Promise<ReturnType<typeof rawSocketPeer> & { readonly resume: () => void }> {
    edge = await startEdge({
      limits: { queueMessages: Infinity, queueBytes: Infinity, messagesPerSecond: Infinity, bytesPerSecond: Infinity },
    });
    const socket = connectSocket({ host: "127.0.0.1", port: edge.tcp });
    await once(socket, "connect");
    const raw = rawSocketPeer(socket);
    raw.sendPacket(handshake, "{}");
    await raw.packet();
    raw.sendPacket(PacketType.handshakeAck);
    const login = { kind: MessageKind.request, id: 1, route: "edge.login", code: -1, compressed: false, error: false };
    raw.sendPacket(data, encodeMessage(login, bytesOf('{"name":"ann"}')));
    await raw.message();
    socket.pause();
    const say = sayingPacket("x".repeat(60_000));
    for (let at = 0; at < 199; at++) socket.write(say);
    await new Promise((resolve) => socket.write(say, resolve));
    await expect.poll(() => counters().messages).toBe(201);
    return { ...raw, resume: () => void socket.resume() };
  }

  test("is the last word, behind all that waited", async () => {
    const raw = await clogged();
    const other = await open();
    other.request(1, "edge.login", '{"name":"ann"}');
    await other.message();
    raw.resume();
    const all = read(await raw.closed());
    expect(all.slice(0, -1)).toEqual(Array.from({ length: 200 }, () => [data, ""]));
    expect(all.at(-1)).toEqual([kick, { code: "replaced", reason: expect.stringMatching(/./) }]);
  });

  test("is not waited for without end", async () => {
    const raw = await clogged();
    const other = await open();
    other.request(1, "edge.login", '{"name":"ann"}');
    await other.message();
    // The socket is closed under it, whatever it has not read.
    await edge.server.stop();
    raw.resume();
    const all = read(await raw.closed());
    expect(all.length).toBeLessThan(201);
  });
});
