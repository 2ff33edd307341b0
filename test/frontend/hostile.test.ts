import { once } from "node:events";
import { connect } from "node:net";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { encodeMessage, MessageKind } from "../../src/message/index.ts";
import { encodePacket, PacketType } from "../../src/packet/index.ts";
import { type RawClient, rawTcp, rawWebSocket } from "../support/raw-client.ts";
import { bytesOf, rawSocketPeer, textOf } from "../support/raw-peer.ts";
import { type EdgeServer, startEdge } from "./edge-server.ts";

let edge: EdgeServer;
let bystander: RawClient;

beforeEach(async () => {
  edge = await startEdge({ limits: { heartbeatMs: 60_000, messagesPerSecond: Infinity, bytesPerSecond: Infinity } });
  bystander = await rawTcp(edge.tcp);
  await bystander.open();
});

afterEach(async () => {
  bystander.close();
  await edge[Symbol.asyncDispose]();
});

async function bystanderWorks(): Promise<void> {
  bystander.request(1, "a.b", '{"room":"r"}');
  expect(JSON.parse((await bystander.message()).text)).toEqual({ members: ["r", ""] });
}

const packets = fc
  .array(
    fc
      .tuple(fc.integer({ min: 1, max: 5 }), fc.uint8Array({ maxLength: 60 }))
      .map(([type, body]) => Buffer.concat([Uint8Array.of(type, 0, 0, body.length), body])),
    { minLength: 1, maxLength: 8 },
  )
  .map((all) => Buffer.concat(all));

// Messages that are well-formed as far as their route, so that random bodies get to the handlers.
const messages = fc
  .tuple(
    fc.constantFrom(MessageKind.request, MessageKind.notify),
    fc.nat(),
    fc.constantFrom("a.b", "edge.say", "edge.fail", "edge.who", "no.such", "edge.said"),
    fc.boolean(),
    fc.oneof(fc.uint8Array({ maxLength: 60 }), fc.json().map(bytesOf)),
  )
  .map(([kind, id, route, compressed, body]) =>
    encodePacket(PacketType.data, encodeMessage({ kind, id, route, code: -1, compressed, error: false }, body)),
  );

describe("a hostile client", () => {
  test.each([
    ["TCP", () => rawTcp(edge.tcp)],
    ["WebSocket", () => rawWebSocket(edge.ws)],
  ] as const)("over %s costs nobody else anything, whatever bytes it sends", async (_name, open) => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 80 }), packets, messages), fc.boolean(), async (bytes, working) => {
        const raw = await open();
        if (working) await raw.open();
        raw.send(bytes);
        // Fills whatever packet has begun, and is none itself: the end, whatever came before.
        raw.send(new Uint8Array(70_000));
        await raw.closed();
      }),
      { numRuns: 200 },
    );
    await bystanderWorks();
  });

  test("JSON that nests without end is invalid_argument", async () => {
    const raw = await rawTcp(edge.tcp);
    await raw.open({ sys: { platform: "test" } });
    raw.request(1, "a.b", `{"x":${"[".repeat(20_000)}`);
    expect(JSON.parse((await raw.message()).text).code).toBe("invalid_argument");
    raw.close();
    await bystanderWorks();
  });

  test("one that does not read is cut as too slow, before its pushes fill the memory", async () => {
    const socket = connect({ host: "127.0.0.1", port: edge.tcp });
    await once(socket, "connect");
    const raw = rawSocketPeer(socket);
    raw.sendPacket(PacketType.handshake, "{}");
    await raw.packet();
    raw.sendPacket(PacketType.handshakeAck);
    socket.pause();
    const say = encodeMessage(
      { kind: MessageKind.notify, id: 0, route: "edge.say", code: -1, compressed: false, error: false },
      bytesOf(JSON.stringify({ text: "x".repeat(60_000) })),
    );
    const packet = encodePacket(PacketType.data, say);
    const count = 500;
    for (let n = 1; n < count; n++) socket.write(packet);
    await new Promise((resolve) => socket.write(packet, resolve));
    await bystanderWorks();
    socket.resume();
    const all = await raw.closed(10_000);
    const last = all.at(-1);
    expect([last?.type, JSON.parse(textOf(last?.body ?? bytesOf("{}"))).code]).toEqual([PacketType.kick, "too_slow"]);
    expect(all.length).toBeLessThan(count);
  });
});
