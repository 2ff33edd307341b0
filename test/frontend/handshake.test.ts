import type { Handshake } from "nano-rpc";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createVirtualClock, type VirtualClock } from "../../src/clock/index.ts";
import { PacketType } from "../../src/packet/index.ts";
import { type RawClient, rawTcp, rawWebSocket } from "../support/raw-client.ts";
import { type RawPacket, textOf } from "../support/raw-peer.ts";
import { type EdgeOptions, type EdgeServer, firstRoom, startEdge } from "./edge-server.ts";

const jsClient = { sys: { type: "js-websocket", version: "1.2" }, user: { token: "t" } };
const nanoClient = { sys: { platform: "test", clientVersion: "3.4", nano: { v: 1 } } };

let edge: EdgeServer;
const raws: RawClient[] = [];

async function start(options?: EdgeOptions): Promise<void> {
  edge = await startEdge(options);
}

async function connect(over: "TCP" | "WebSocket" = "TCP"): Promise<RawClient> {
  const raw = await (over === "TCP" ? rawTcp(edge.tcp) : rawWebSocket(edge.ws));
  raws.push(raw);
  return raw;
}

afterEach(async () => {
  for (const raw of raws.splice(0)) raw.close();
  await edge[Symbol.asyncDispose]();
});

/** Packets without heartbeats, each as its type and its JSON. */
function read(packets: readonly RawPacket[]): unknown[] {
  return packets
    .filter(({ type }) => type !== PacketType.heartbeat)
    .map(({ type, body }) => [type, body.length === 0 ? "" : JSON.parse(textOf(body))]);
}

/** Asks something, and expects the answer. */
async function works(raw: RawClient): Promise<void> {
  raw.request(9, "a.b", '{"room":"r"}');
  expect(JSON.parse((await raw.message()).text)).toEqual({ members: ["r", ""] });
}

async function who(raw: RawClient): Promise<unknown> {
  raw.request(8, "edge.who");
  return JSON.parse((await raw.message()).text);
}

const { handshake, handshakeAck, heartbeat, data, kick } = PacketType;
const body = { [handshake]: JSON.stringify(jsClient), [data]: Uint8Array.from(Buffer.from("000903612e627b7d", "hex")) };

describe.each(["TCP", "WebSocket"] as const)("what may come when, over %s", (over) => {
  const types = Object.entries(PacketType);

  test.each(types)("fresh: %s", async (name, type) => {
    await start();
    const raw = await connect(over);
    raw.sendPacket(type, body[type as keyof typeof body]);
    if (name === "handshake") expect((await raw.packet()).type).toBe(handshake);
    else expect(await raw.closed()).toEqual([]);
  });

  test.each(types)("while the application decides: %s closes", async (_name, type) => {
    const asked = Promise.withResolvers<void>();
    const decided = Promise.withResolvers<undefined>();
    await start({
      authenticate: () => {
        asked.resolve();
        return decided.promise;
      },
    });
    const raw = await connect(over);
    raw.sendPacket(handshake, body[handshake]);
    await asked.promise;
    raw.sendPacket(type, body[type as keyof typeof body]);
    expect(await raw.closed()).toEqual([]);
    decided.resolve(undefined);
  });

  test.each(types)("answered: %s", async (name, type) => {
    await start();
    const raw = await connect(over);
    await raw.handshake(jsClient);
    raw.sendPacket(type, body[type as keyof typeof body]);
    if (name !== "handshakeAck" && name !== "heartbeat") return expect(await raw.closed()).toEqual([]);
    if (name === "heartbeat") raw.ack();
    await works(raw);
  });

  test.each(types)("working: %s", async (name, type) => {
    await start();
    const raw = await connect(over);
    await raw.open(jsClient);
    await works(raw);
    raw.sendPacket(type, body[type as keyof typeof body]);
    if (name === "data") expect((await raw.message()).id).toBe(9);
    if (name === "data" || name === "heartbeat") await works(raw);
    else expect(read(await raw.closed())).toMatchObject([[kick, { code: "invalid_argument" }]]);
  });

  test("nothing after a breach is read", async () => {
    await start();
    const raw = await connect(over);
    await raw.open(jsClient);
    await works(raw);
    raw.sendPacket(handshakeAck);
    raw.request(1, "a.b");
    expect(read(await raw.closed())).toMatchObject([[kick, { code: "invalid_argument" }]]);
  });
});

describe("what a handshake may say", () => {
  beforeEach(() => start());

  test.each([
    ["an unknown encoding", { sys: { serializer: "morse" } }],
    ["a type that is no text", { sys: { type: 5 } }],
    ["a user that is no object", { user: "ann" }],
    ["sys that is a list", { sys: [] }],
    ["nano that is a text", { sys: { nano: "1" } }],
    ["a list", []],
    ["null", null],
  ])("%s is refused with 400", async (_what, json) => {
    const raw = await connect();
    raw.sendPacket(handshake, JSON.stringify(json));
    expect(read(await raw.closed())).toMatchObject([
      [handshake, { code: 400, message: expect.stringMatching(/./) }],
      [kick, { code: "invalid_argument" }],
    ]);
  });

  test.each([
    ["nothing", {}],
    ["null where objects may stand", { sys: null, user: null }],
    ["more than is known", { sys: { type: null, rsa: {}, protoVersion: "x" }, more: 1 }],
  ])("%s is fine", async (_what, json) => {
    const raw = await connect();
    expect(await raw.handshake(json)).toMatchObject({ code: 200, sys: { serializer: "json", heartbeat: 10, dict: {} } });
    raw.ack();
    await works(raw);
  });

  test("bytes that are no UTF-8 are refused with 400", async () => {
    const raw = await connect();
    raw.sendPacket(handshake, Uint8Array.from(Buffer.from("7b22ff223a317d", "hex")));
    expect(read(await raw.closed())).toMatchObject([
      [handshake, { code: 400 }],
      [kick, {}],
    ]);
  });

  test("only nano's own clients are told of nano", async () => {
    expect(await (await connect()).handshake(jsClient)).not.toHaveProperty("sys.nano");
    const answer = await (await connect()).handshake(nanoClient);
    expect(answer).toMatchObject({ sys: { nano: { v: 1, session: expect.stringMatching(/^[0-9a-f]{32}$/) } } });
  });

  test("the largest handshake is 4 KiB, header included", async () => {
    const sized = (bytes: number): string => {
      const empty = JSON.stringify({ user: { fill: "" } });
      return JSON.stringify({ user: { fill: "x".repeat(bytes - 4 - empty.length) } });
    };
    const fits = await connect();
    fits.sendPacket(handshake, sized(4_096));
    expect((await fits.packet()).type).toBe(handshake);
    const over = await connect();
    over.sendPacket(handshake, sized(4_097));
    expect(await over.closed()).toEqual([]);
  });
});

describe("authenticate", () => {
  test("sees what the handshake says", async () => {
    const seen: Handshake[] = [];
    await start({ authenticate: (one) => void seen.push(one) });
    await (await connect()).handshake(jsClient);
    await (await connect()).handshake(nanoClient);
    const pitaya = { platform: "mac", libVersion: "0.3.5-release", clientBuildNumber: "20", clientVersion: "2.1" };
    await (await connect()).handshake({ sys: pitaya, user: {} });
    const remoteAddress = "127.0.0.1";
    const none = { build: "", library: "" };
    expect(seen).toEqual([
      { platform: "js-websocket", version: "1.2", ...none, user: { token: "t" }, remoteAddress, resumed: false },
      { platform: "test", version: "3.4", ...none, user: undefined, remoteAddress, resumed: false },
      { platform: "mac", version: "2.1", build: "20", library: "0.3.5-release", user: {}, remoteAddress, resumed: false },
    ]);
  });

  test("binds before the ack, with roles and data", async () => {
    await start({ authenticate: async () => ({ user: "ann", roles: ["admin"], data: firstRoom("lobby") }) });
    const raw = await connect();
    await raw.open(jsClient);
    expect(await who(raw)).toEqual({ members: ["ann", "lobby", "admin"] });
  });

  test("the same user's session before it is replaced", async () => {
    await start({ authenticate: () => ({ user: "ann" }) });
    const former = await connect();
    await former.open(jsClient);
    await works(former);
    const raw = await connect();
    await raw.open(jsClient);
    expect(read(await former.closed())).toMatchObject([[kick, { code: "replaced" }]]);
    await works(raw);
  });

  test("may leave the session without a user", async () => {
    await start({ authenticate: () => undefined });
    const raw = await connect();
    await raw.open(jsClient);
    expect(await who(raw)).toMatchObject({ code: "unauthenticated" });
    raw.request(1, "edge.login", '{"name":"ann"}');
    await raw.message();
    expect(await who(raw)).toMatchObject({ members: ["ann", ""] });
  });

  test("a refusal carries code and reason", async () => {
    await start({ authenticate: () => ({ code: "banned", reason: "böse" }) });
    const raw = await connect();
    raw.sendPacket(handshake, JSON.stringify(jsClient));
    const packets = await raw.closed();
    expect(read(packets)).toMatchObject([
      [handshake, { code: 400, message: "böse" }],
      [kick, { code: "banned", reason: "böse" }],
    ]);
    // Rule 11 of clients.md holds for these too.
    for (const { body } of packets) expect(textOf(body)).toMatch(/^[ -~]+$/);
  });

  test.each([
    ["throws", () => Promise.reject(new Error("the database is at db.internal"))],
    [
      "throws at once",
      () => {
        throw new Error("the database is at db.internal");
      },
    ],
    ["gives data that is too large", () => ({ user: "ann", data: firstRoom("r".repeat(3_000)) })],
  ])("one that %s refuses with internal, and says no more", async (_what, authenticate) => {
    await start({ authenticate });
    const raw = await connect();
    raw.sendPacket(handshake, JSON.stringify(jsClient));
    const packets = await raw.closed();
    expect(read(packets)).toMatchObject([
      [handshake, { code: 400 }],
      [kick, { code: "internal" }],
    ]);
    expect(packets.map(({ body }) => textOf(body)).join()).not.toContain("db.internal");
  });

  test("one that is too slow refuses with deadline_exceeded", async () => {
    const clock = createVirtualClock();
    const asked = Promise.withResolvers<void>();
    await start({
      clock,
      authenticate: () => {
        asked.resolve();
        return new Promise(() => {});
      },
    });
    const raw = await connect();
    raw.sendPacket(handshake, JSON.stringify(jsClient));
    await asked.promise;
    clock.moveTo(5_000);
    expect(read(await raw.closed())).toMatchObject([
      [handshake, { code: 400 }],
      [kick, { code: "deadline_exceeded" }],
    ]);
  });

  test("a client that left meanwhile leaves no session behind", async () => {
    const decided = Promise.withResolvers<{ readonly user: string }>();
    const asked = Promise.withResolvers<void>();
    let first = true;
    await start({
      authenticate: () => {
        if (!first) return undefined;
        first = false;
        asked.resolve();
        return decided.promise;
      },
    });
    const left = await connect();
    left.sendPacket(handshake, JSON.stringify(jsClient));
    await asked.promise;
    left.sendPacket(kick);
    await left.closed();
    decided.resolve({ user: "ann" });
    const raw = await connect();
    await raw.open(jsClient);
    raw.request(1, "edge.login", '{"name":"ann"}');
    expect(JSON.parse((await raw.message()).text)).toEqual({ members: ["ann", "none"] });
  });
});

describe("time", () => {
  let clock: VirtualClock;

  beforeEach(async () => {
    clock = createVirtualClock();
    await start({ clock });
  });

  test("who says nothing is gone after the handshake's deadline", async () => {
    const silent = await connect();
    // Accepted after the silent one: it is there when this one is answered.
    const slow = await connect();
    await slow.handshake(jsClient);
    clock.moveTo(4_000);
    slow.ack();
    await works(slow);
    clock.moveTo(5_000);
    expect(await silent.closed()).toEqual([]);
    await works(slow);
  });

  test("who does not acknowledge is gone too", async () => {
    const raw = await connect();
    await raw.handshake(jsClient);
    clock.moveTo(5_000);
    expect(read(await raw.closed())).toMatchObject([[kick, { code: "deadline_exceeded" }]]);
  });

  test("heartbeats come every 10 s, and silence is death: after 25 s of a nano client, 75 s of others", async () => {
    const nano = await connect();
    const other = await connect();
    await nano.open(nanoClient);
    await other.open(jsClient);
    for (const raw of [nano, other]) {
      raw.request(1, "edge.login", JSON.stringify({ name: raw === nano ? "ann" : "bob" }));
      await raw.message();
    }
    clock.moveTo(24_000);
    expect((await nano.packet()).type).toBe(heartbeat);
    expect((await nano.packet()).type).toBe(heartbeat);
    nano.sendPacket(heartbeat, Uint8Array.of(1));
    await works(nano);
    clock.moveTo(48_000);
    await works(nano);
    clock.moveTo(73_000);
    expect((await nano.closed()).every(({ type }) => type === heartbeat)).toBe(true);
    await works(other);
    clock.moveTo(148_000);
    expect((await other.closed()).every(({ type }) => type === heartbeat)).toBe(true);
  });

  test("a session without a user ends after 30 s, with its reason", async () => {
    const stranger = await connect();
    const user = await connect();
    await stranger.open(jsClient);
    await user.open(jsClient);
    await works(stranger);
    user.request(1, "edge.login", '{"name":"ann"}');
    await user.message();
    clock.moveTo(29_000);
    await works(stranger);
    clock.moveTo(30_000);
    expect(read(await stranger.closed())).toMatchObject([[kick, { code: "unauthenticated" }]]);
    await works(user);
  });
});

describe("limits", () => {
  test("a packet of 64 KiB fits, one byte more is a breach", async () => {
    await start();
    const sized = (bytes: number): string => {
      // 4 of packet, 6 of message: flags, id, and the route with its length.
      const empty = JSON.stringify({ room: "", name: "" });
      return JSON.stringify({ room: "x".repeat(bytes - 10 - empty.length), name: "" });
    };
    for (const over of ["TCP", "WebSocket"] as const) {
      const raw = await connect(over);
      await raw.open(jsClient);
      raw.request(1, "a.b", sized(65_536));
      expect((await raw.message()).id).toBe(1);
      raw.request(2, "a.b", sized(65_537));
      const packets = read(await raw.closed());
      // `ws` closes by itself, with 1009.
      expect(packets).toMatchObject(over === "TCP" ? [[kick, { code: "invalid_argument" }]] : []);
    }
  });

  test("connections over the limit are sent away, until one leaves", async () => {
    await start({ limits: { connections: 2 } });
    const [one, two, three] = [await connect(), await connect("WebSocket"), await connect()];
    await one.open(jsClient);
    await two.open(jsClient);
    expect(read(await three.closed())).toMatchObject([
      [handshake, { code: 503 }],
      [kick, { code: "busy" }],
    ]);
    await works(one);
    await works(two);
    two.sendPacket(kick);
    await two.closed();
    const four = await connect();
    await four.open(jsClient);
    await works(four);
  });

  test("messages in flight over the limit are answered with resource_exhausted", async () => {
    await start({ limits: { inFlight: 2 } });
    const raw = await connect();
    await raw.open(nanoClient);
    for (const id of [1, 2, 3]) raw.request(id, "edge.hold", JSON.stringify({ name: String(id) }));
    const full = await raw.message();
    expect([full.id, full.error, JSON.parse(full.text).code]).toEqual([3, true, "resource_exhausted"]);
    edge.release();
    expect([(await raw.message()).id, (await raw.message()).id]).toEqual([1, 2]);
    await works(raw);
  });
});
