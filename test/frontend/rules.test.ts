import { deflateSync, gzipSync, inflateSync } from "node:zlib";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { JoinRequestSchema, JoinResponseSchema } from "../../examples/chat/gen/chat/v1/chat_pb.ts";
import { ErrorSchema } from "../../gen/nano/client/v1/client_pb.ts";
import { encodeMessage, MessageKind } from "../../src/message/index.ts";
import { encodePacket, PacketType } from "../../src/packet/index.ts";
import { type RawClient, rawTcp, rawWebSocket } from "../support/raw-client.ts";
import { bytesOf, textOf } from "../support/raw-peer.ts";
import { vector, vectors } from "../vectors/vectors.ts";
import { type EdgeServer, startEdge } from "./edge-server.ts";

// As the family's clients introduce themselves (clients.md, rule 2).
const jsClient = { sys: { type: "js-websocket", version: "0.0.1", rsa: {} }, user: {} };
const unityClient = { sys: { platform: "mac", libVersion: "0.3.5", clientBuildNumber: "20", clientVersion: "2.1" }, user: {} };
const libpomelo = { sys: { type: "uv_tcp", version: "0.0.1" }, user: {} };
const nanoClient = { sys: { platform: "js", nano: { v: 1, codes: true, inflate: ["zlib"] } } };
const protobuf = <H extends { readonly sys: object }>(client: H): object => ({
  ...client,
  sys: { ...client.sys, serializer: "protobuf" },
});

const transports = [
  ["TCP", (at: EdgeServer) => rawTcp(at.tcp)],
  ["WebSocket", (at: EdgeServer) => rawWebSocket(at.ws)],
] as const;

let edge: EdgeServer;
let raw: RawClient;

beforeEach(async () => {
  edge = await startEdge({ limits: { heartbeatMs: 1_000 } });
});

afterEach(async () => {
  raw?.close();
  await edge[Symbol.asyncDispose]();
});

function parse(packet: { readonly body: Uint8Array } | undefined): unknown {
  return JSON.parse(textOf(packet?.body ?? new Uint8Array(0)));
}

/** A request in the flags and the body given. */
function request(id: number, body: Uint8Array, compressed: boolean): Uint8Array {
  return encodeMessage({ kind: MessageKind.request, id, route: "a.b", code: -1, compressed, error: false }, body);
}

/** A message whose route is a code. */
function coded(kind: MessageKind, id: number, code: number, body: string): Uint8Array {
  return encodeMessage({ kind, id, route: undefined, code, compressed: false, error: false }, bytesOf(body));
}

function sysOf(answer: unknown): { readonly dict: Record<string, number>; readonly nano: { readonly dictionary: string } } {
  return (answer as { readonly sys: ReturnType<typeof sysOf> }).sys;
}

const dictionaryOf = (answer: unknown): Record<string, number> => sysOf(answer).dict;
const nanoOf = (answer: unknown): { readonly dictionary: string } => sysOf(answer).nano;

describe.each(transports)("over %s", (_name, connect) => {
  beforeEach(async () => {
    raw = await connect(edge);
  });

  test.each([
    ["a js client", jsClient],
    ["a nano client that knows codes", nanoClient],
  ])("rule 1: %s gets a dictionary, and codes go both ways", async (_who, client) => {
    const dict = dictionaryOf(await raw.handshake(client));
    // Handlers and pushes, each with a code of its own, from 1: JavaScript takes 0 for none.
    expect(Object.keys(dict)).toEqual(expect.arrayContaining(["a.b", "edge.say", "edge.said"]));
    expect(Object.values(dict).sort((one, other) => one - other)).toEqual(Object.keys(dict).map((_, at) => at + 1));
    raw.ack();
    raw.sendPacket(PacketType.data, coded(MessageKind.notify, 0, dict["edge.say"] ?? 0, '{"text":"hi"}'));
    expect(await raw.message()).toMatchObject({ kind: MessageKind.push, route: undefined, code: dict["edge.said"] });
    raw.sendPacket(PacketType.data, coded(MessageKind.request, 1, dict["a.b"] ?? 0, '{"room":"r"}'));
    expect((await raw.message()).text).toBe('{"members":["r",""]}');
    // Text stays text.
    raw.request(2, "a.b", "{}");
    expect((await raw.message()).id).toBe(2);
  });

  test.each([
    ["libpitaya", unityClient],
    ["libpomelo2", libpomelo],
    ["a client that says nothing of itself", {}],
    ["a nano client that does not announce codes", { sys: { nano: { v: 1, inflate: ["zlib"] } } }],
    ["a nano client of pomelo's type", { sys: { type: "js-websocket", nano: { v: 1, codes: false } } }],
  ])("rule 1: %s gets no dictionary, and text routes", async (_who, client) => {
    expect(await raw.handshake(client)).toMatchObject({ code: 200, sys: { dict: {} } });
    raw.ack();
    raw.notify("edge.say", '{"text":"hi"}');
    expect(await raw.message()).toMatchObject({ kind: MessageKind.push, route: "edge.said", code: -1 });
    raw.sendPacket(PacketType.data, coded(MessageKind.request, 1, 1, "{}"));
    const [kick] = await raw.closed();
    expect([kick?.type, parse(kick)]).toMatchObject([PacketType.kick, { code: "invalid_argument" }]);
  });

  test("rule 1: a code that is not in the dictionary closes with a kick", async () => {
    await raw.open(jsClient);
    raw.sendPacket(PacketType.data, coded(MessageKind.request, 1, 999, "{}"));
    const [kick] = await raw.closed();
    expect([kick?.type, parse(kick)]).toMatchObject([PacketType.kick, { code: "invalid_argument" }]);
  });

  test("a nano client that knows the dictionary is not told it again, and codes hold", async () => {
    const first = await raw.handshake(nanoClient);
    const dict = dictionaryOf(first);
    const name = nanoOf(first).dictionary;
    expect(name).toMatch(/^[\w-]{12}$/);
    raw.close();

    raw = await connect(edge);
    const again = await raw.handshake({ sys: { nano: { ...nanoClient.sys.nano, dictionary: name } } });
    expect([dictionaryOf(again), nanoOf(again).dictionary]).toEqual([{}, "known"]);
    raw.ack();
    raw.sendPacket(PacketType.data, coded(MessageKind.notify, 0, dict["edge.say"] ?? 0, '{"text":"hi"}'));
    expect(await raw.message()).toMatchObject({ kind: MessageKind.push, code: dict["edge.said"] });
    raw.close();

    raw = await connect(edge);
    const other = await raw.handshake({ sys: { nano: { ...nanoClient.sys.nano, dictionary: "of another" } } });
    expect([dictionaryOf(other), nanoOf(other).dictionary]).toEqual([dict, name]);
  });

  test.each([
    ["a js client", jsClient],
    ["libpomelo2", libpomelo],
    ["a client that says nothing of itself", {}],
    ["a client with a platform alone", { sys: { platform: "mac" } }],
    ["a nano client that does not inflate", { sys: { nano: { v: 1, codes: true, inflate: [] } } }],
    ["a nano client that inflates something else", { sys: { nano: { v: 1, inflate: ["br"] } } }],
  ])("rule 2: nothing is deflated for %s, however large", async (_who, client) => {
    await raw.open(client);
    const text = "a".repeat(20_000);
    raw.notify("edge.say", JSON.stringify({ text }));
    const push = await raw.message();
    expect(push.compressed).toBe(false);
    expect(JSON.parse(push.text)).toEqual({ name: "echo", text });
    raw.request(1, "a.b", JSON.stringify({ room: text }));
    const answer = await raw.message();
    expect(answer.compressed).toBe(false);
    expect(JSON.parse(answer.text)).toEqual({ members: [text, ""] });
  });

  test.each([
    ["libpitaya", unityClient],
    ["a nano client that inflates", nanoClient],
  ])("rule 2: for %s what gets smaller is deflated, with a zlib header", async (_who, client) => {
    await raw.open(client);
    const text = "a".repeat(20_000);
    raw.notify("edge.say", JSON.stringify({ text }));
    const push = await raw.message();
    expect([push.compressed, push.body[0], push.body.length < 500]).toEqual([true, 0x78, true]);
    expect(JSON.parse(inflateSync(push.body).toString())).toEqual({ name: "echo", text });
    raw.request(1, "a.b", JSON.stringify({ room: text }));
    const answer = await raw.message();
    expect([answer.id, answer.compressed]).toEqual([1, true]);
    expect(JSON.parse(inflateSync(answer.body).toString())).toEqual({ members: [text, ""] });
    raw.request(2, "a.b", '{"room":"small"}');
    expect(await raw.message()).toMatchObject({ compressed: false, text: '{"members":["small",""]}' });
  });

  test("rule 2: the threshold is the answer's, to the byte", async () => {
    await raw.open(protobuf(unityClient));
    const ask = async (room: string): Promise<{ readonly compressed: boolean; readonly length: number }> => {
      raw.request(1, "a.b", toBinary(JoinRequestSchema, create(JoinRequestSchema, { room, name: "n" })));
      const { compressed, body } = await raw.message();
      return { compressed, length: compressed ? inflateSync(body).length : body.length };
    };
    // Two members: a tag and a length before each, the longer with two bytes of length.
    expect(await ask("r".repeat(1_024 - 6 - 1))).toEqual({ compressed: false, length: 1_023 });
    expect(await ask("r".repeat(1_024 - 6))).toEqual({ compressed: true, length: 1_024 });
  });

  test("rule 3: a deflated request is answered", async () => {
    await raw.open(unityClient);
    raw.sendPacket(PacketType.data, request(7, deflateSync(bytesOf(`{"room":"${"r".repeat(500)}","name":"n"}`)), true));
    const answer = await raw.message();
    expect([answer.id, JSON.parse(answer.text)]).toEqual([7, { members: ["r".repeat(500), "n"] }]);
  });

  test.each([
    ["a bomb", deflateSync(new Uint8Array(10_000_000))],
    ["a bomb of gzip", gzipSync(new Uint8Array(10_000_000))],
    ["gzips behind each other", Buffer.concat(Array(8).fill(gzipSync(new Uint8Array(10_000))))],
    ["no zlib", bytesOf("plain")],
    ["a part of one", deflateSync(bytesOf('{"room":"r"}')).subarray(0, 9)],
  ])("rule 3: %s is refused with a kick", async (_what, body) => {
    await raw.open(unityClient);
    raw.sendPacket(PacketType.data, request(1, body, true));
    const [kick, ...rest] = await raw.closed();
    expect([kick?.type, parse(kick)]).toMatchObject([PacketType.kick, { code: "invalid_argument" }]);
    expect(rest).toEqual([]);
  });

  test("rule 5: the server sends heartbeats by itself, as often as it said", async () => {
    expect(await raw.handshake(jsClient)).toMatchObject({ sys: { heartbeat: 1 } });
    raw.ack();
    for (let beat = 0; beat < 2; beat++)
      expect(await raw.packet()).toEqual({ type: PacketType.heartbeat, body: new Uint8Array(0) });
  });

  test("rule 6 and 7: a breach while working is a kick with a JSON body, then the end", async () => {
    await raw.open(jsClient);
    raw.sendPacket(PacketType.data, Uint8Array.of(0x08, 0x00));
    const [kick, ...rest] = await raw.closed();
    expect(kick?.type).toBe(PacketType.kick);
    expect(parse(kick)).toEqual({ code: "invalid_argument", reason: expect.stringMatching(/./) });
    expect(rest).toEqual([]);
  });

  test("rule 7: a server that stops answers what it was asked, then kicks with moved", async () => {
    await raw.open(jsClient);
    raw.request(1, "edge.hold", '{"name":"n"}');
    await expect.poll(() => edge.held).toBe(1);
    const stopped = edge.server.stop();
    edge.release();
    const packets = (await raw.closed()).filter(({ type }) => type !== PacketType.heartbeat);
    await stopped;
    expect(packets.map(({ type }) => type)).toEqual([PacketType.data, PacketType.kick]);
    expect(parse(packets[1])).toMatchObject({ code: "moved" });
  });

  test("rule 9: an empty answer is {} in JSON", async () => {
    await raw.open(jsClient);
    raw.request(1, "a.b", "{}");
    expect((await raw.message()).text).toBe("{}");
    raw.notify("edge.say");
    expect(await raw.message()).toMatchObject({ kind: MessageKind.push, text: "{}" });
  });

  test("rule 9: an empty request body is the empty message", async () => {
    await raw.open(jsClient);
    raw.request(1, "a.b", "");
    expect((await raw.message()).text).toBe("{}");
  });

  test("rule 9: an empty protobuf body is padded, but for nano's own", async () => {
    await raw.open(protobuf(unityClient));
    raw.request(1, "a.b", new Uint8Array(0));
    const answer = await raw.message();
    expect(answer.body).toHaveLength(4);
    expect(fromBinary(JoinResponseSchema, answer.body).members).toEqual([]);
    raw.notify("edge.say", new Uint8Array(0));
    expect((await raw.message()).body).toHaveLength(4);

    const nano = await connect(edge);
    await nano.open(protobuf(nanoClient));
    nano.request(1, "a.b", new Uint8Array(0));
    expect((await nano.message()).body).toHaveLength(0);
    nano.close();
  });

  test.each([
    ["nano's is set", nanoClient, true],
    ["libpitaya is set", unityClient, true],
    ["a client that says nothing of itself is set", {}, true],
    ["pomelo's in JavaScript is not", jsClient, false],
    ["libpomelo2 is not", libpomelo, false],
  ])("rule 10: the error flag of %s", async (_who, client, flagged) => {
    await raw.open(client);
    raw.request(3, "edge.fail");
    const answer = await raw.message();
    expect(answer).toMatchObject({ kind: MessageKind.response, id: 3, error: flagged });
    expect(JSON.parse(answer.text)).toEqual({ code: "not_found", msg: "no such thing", metadata: { asked: "😀" } });
  });

  test("rule 10: in protobuf an error has the same fields", async () => {
    await raw.open(protobuf(unityClient));
    raw.request(3, "edge.fail", new Uint8Array(0));
    const answer = await raw.message();
    expect(fromBinary(ErrorSchema, answer.body)).toMatchObject({
      code: "not_found",
      msg: "no such thing",
      metadata: { asked: "😀" },
    });
  });

  test("rule 11: CESU-8 comes in as it was meant, and ASCII goes out to js clients", async () => {
    await raw.open(jsClient);
    const cesu8 = Buffer.concat([bytesOf('{"room":"ä'), Buffer.from("eda0bdedb880", "hex"), bytesOf('"}')]);
    raw.request(1, "a.b", cesu8);
    expect((await raw.message()).text).toBe('{"members":["\\u00e4\\ud83d\\ude00",""]}');
    raw.request(2, "edge.fail");
    expect((await raw.message()).text).toMatch(/^[ -~]+$/);
  });

  test("rule 11: others get UTF-8", async () => {
    await raw.open(unityClient);
    raw.request(1, "a.b", '{"room":"ä😀"}');
    expect((await raw.message()).text).toBe('{"members":["ä😀",""]}');
  });

  test("rule 12: ids are little-endian, and come back as they were", async () => {
    await raw.open(jsClient);
    for (const id of [0, 1, 127, 128, 300, 16_384, 0x1_0000_0000]) {
      raw.request(id, "a.b", `{"name":"${id}"}`);
      const answer = await raw.message();
      expect([answer.id, JSON.parse(answer.text)]).toEqual([id, { members: ["", String(id)] }]);
    }
  });

  test("rule 12: a repeated id in flight is another request", async () => {
    await raw.open(jsClient);
    raw.request(5, "edge.hold", '{"name":"one"}');
    raw.request(5, "edge.hold", '{"name":"two"}');
    raw.request(6, "a.b");
    expect((await raw.message()).id).toBe(6);
    expect(edge.held).toBe(2);
    edge.release();
    const answers = [await raw.message(), await raw.message()];
    expect(answers.map(({ id, text }) => [id, JSON.parse(text).members])).toEqual([
      [5, ["one"]],
      [5, ["two"]],
    ]);
  });

  test.each(["X14", "X15"])("vector %s is accepted", async (id) => {
    await raw.open(jsClient);
    raw.sendPacket(PacketType.data, Buffer.concat([Buffer.from(vector(id).hex, "hex"), bytesOf('{"room":"r"}')]));
    expect(await raw.message()).toMatchObject({ id: 1, error: false, text: '{"members":["r",""]}' });
  });

  test("vector X13, an empty route, is answered with invalid_argument", async () => {
    await raw.open(nanoClient);
    raw.sendPacket(PacketType.data, Buffer.from(vector("X13").hex, "hex"));
    const answer = await raw.message();
    expect(answer).toMatchObject({ id: 1, error: true });
    expect(JSON.parse(answer.text).code).toBe("invalid_argument");
  });

  test.each([
    ...vectors.invalid.filter(({ what, id }) => what.startsWith("msg ") && !["X13", "X14", "X15"].includes(id)),
    { id: "a response of a client", hex: "04017b7d" },
  ])("vector $id, $hex, closes with a kick", async ({ hex }) => {
    await raw.open(unityClient);
    raw.sendPacket(PacketType.data, Buffer.from(hex, "hex"));
    const [kick, ...rest] = await raw.closed();
    expect([kick?.type, parse(kick)]).toMatchObject([PacketType.kick, { code: "invalid_argument" }]);
    expect(rest).toEqual([]);
  });

  test("vector X18, a handshake that is no JSON, is answered with 400, then the end", async () => {
    raw.send(Buffer.from(vector("X18").hex, "hex"));
    const [answer, kick, ...rest] = await raw.closed();
    expect([answer?.type, parse(answer)]).toMatchObject([PacketType.handshake, { code: 400 }]);
    expect([kick?.type, parse(kick)]).toMatchObject([PacketType.kick, { code: "invalid_argument" }]);
    expect(rest).toEqual([]);
  });

  test.each(vectors.invalid.filter(({ id }) => id === "X1"))("vector X1, $hex, closes at once", async ({ hex }) => {
    raw.send(Buffer.from(hex, "hex"));
    expect(await raw.closed(1_500)).toEqual([]);
  });

  test("rule 3: a body with a gzip header is answered too", async () => {
    await raw.open(unityClient);
    raw.sendPacket(PacketType.data, request(1, gzipSync(bytesOf('{"room":"r"}')), true));
    expect((await raw.message()).text).toBe('{"members":["r",""]}');
  });
});

describe("rule 4", () => {
  test("rule 4: over WebSocket each message is exactly one packet, also of many at once", async () => {
    raw = await rawWebSocket(edge.ws);
    await raw.open(jsClient);
    const ids = Array.from({ length: 50 }, (_, at) => at + 1);
    for (const id of ids) raw.request(id, "a.b", JSON.stringify({ room: "r".repeat(id * 100) }));
    const answers = [];
    for (const _ of ids) answers.push((await raw.message()).id);
    expect(answers).toEqual(ids);
  });

  test.each(vectors.invalid.filter(({ what }) => what.startsWith("ws message")))(
    "rule 4: vector $id closes a WebSocket",
    async ({ hex }) => {
      raw = await rawWebSocket(edge.ws);
      raw.send(Buffer.from(hex, "hex"));
      expect(await raw.closed()).toEqual([]);
    },
  );

  test("rule 4: two packets in one WebSocket message close it", async () => {
    raw = await rawWebSocket(edge.ws);
    await raw.open(jsClient);
    const one = encodePacket(PacketType.data, request(1, bytesOf("{}"), false));
    raw.send(Buffer.concat([one, one]));
    expect((await raw.closed()).filter(({ type }) => type === PacketType.data)).toEqual([]);
  });

  test("rule 4: TCP may be split byte by byte, and joined", async () => {
    raw = await rawTcp(edge.tcp);
    for (const byte of encodePacket(PacketType.handshake, bytesOf(JSON.stringify(jsClient)))) raw.send(Uint8Array.of(byte));
    expect((await raw.packet()).type).toBe(PacketType.handshake);
    const joined = Buffer.concat([
      encodePacket(PacketType.handshakeAck, new Uint8Array(0)),
      encodePacket(PacketType.data, request(1, bytesOf('{"room":"one"}'), false)),
      encodePacket(PacketType.heartbeat, new Uint8Array(0)),
      encodePacket(PacketType.data, request(2, bytesOf('{"room":"two"}'), false)),
    ]);
    raw.send(joined.subarray(0, joined.length - 3));
    expect((await raw.message()).id).toBe(1);
    raw.send(joined.subarray(joined.length - 3));
    expect((await raw.message()).id).toBe(2);
  });
});

describe("rule 8", () => {
  // The beginning of a TLS ClientHello: as a packet it would announce 0x0301 bytes and wait for them.
  const clientHello = Buffer.from("16030100", "hex");

  test.each([
    ["TLS", clientHello],
    ["its first byte", clientHello.subarray(0, 1)],
    ["HTTP", bytesOf("GET / HTTP/1.1\r\nHost: a\r\n\r\n")],
  ])("rule 8: %s on TCP closes at once", async (_what, bytes) => {
    raw = await rawTcp(edge.tcp);
    raw.send(bytes);
    expect(await raw.closed(1_500)).toEqual([]);
  });

  test("rule 8: TLS on the WebSocket port closes at once", async () => {
    raw = await rawTcp(edge.ws);
    raw.send(Buffer.from("1603010200010001fc0303", "hex"));
    expect(await raw.closed(1_500)).toEqual([]);
  });

  test("rule 8: also between packets of an open session", async () => {
    raw = await rawTcp(edge.tcp);
    await raw.open(jsClient);
    raw.send(Uint8Array.of(0x16));
    const [kick] = await raw.closed(1_500);
    expect(kick?.type).toBe(PacketType.kick);
  });
});

test("rule 3: a deflated protobuf request is answered too", async () => {
  raw = await rawTcp(edge.tcp);
  await raw.open(protobuf(unityClient));
  const body = toBinary(JoinRequestSchema, create(JoinRequestSchema, { room: "r", name: "n" }));
  raw.sendPacket(PacketType.data, request(1, deflateSync(body), true));
  expect(fromBinary(JoinResponseSchema, (await raw.message()).body).members).toEqual(["r", "n"]);
});
