import { connect as connectSocket } from "node:net";
import { createClient as createCaller } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { type Server, type Session, sessionHooks } from "nano-rpc";
import { createClient } from "nano-rpc/client";
import { tcp as dial } from "nano-rpc/client/tcp";
import { createTestCluster } from "nano-rpc/testing";
import { afterEach, describe, expect, test } from "vitest";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import { RoomPush } from "../../examples/chat/gen/chat/v1/chat_nano.ts";
import { SessionService } from "../../gen/nano/cluster/v1/session_pb.ts";
import { encodeMessage, MessageKind } from "../../src/message/index.ts";
import { PacketType } from "../../src/packet/index.ts";
import { cuttingProxy } from "../client/cutting-proxy.ts";
import { PlayClient } from "../schema/gen/play/v1/play_client.ts";
import { PlayPush } from "../schema/gen/play/v1/play_nano.ts";
import { PlaySessionSchema } from "../schema/gen/play/v1/play_pb.ts";
import { playServices } from "../server/play.ts";
import { rawTcp } from "../support/raw-client.ts";
import { rawSocketPeer } from "../support/raw-peer.ts";
import { sampleReader } from "../support/sample-reader.ts";
import { seriesOf, startChat } from "./scraped-chat.ts";

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const portOf = (server: Server): number => Number(server.addresses["tcp"]?.split(":").at(-1));

/** Until a series has grown to a value. */
const grows = (server: Server, series: string) => expect.poll(() => seriesOf(server, series), { timeout: 20_000 });

describe("a scrape sees", () => {
  test("a client that is away, what waits for it, and how it comes back", async () => {
    const { gate, play } = await startChat(cleanups);
    const bob = await play();
    const proxy = await cuttingProxy(portOf(gate));
    cleanups.push(() => proxy[Symbol.asyncDispose]());
    const ann = createClient({ transport: dial({ host: "127.0.0.1", port: proxy.port }) });
    cleanups.push(() => ann.close());
    const heard: string[] = [];
    ann.service(RoomClient).onSaid(({ text }) => heard.push(text));
    await ann.connect();
    await ann.service(RoomClient).join({ room: "lobby", name: "eve" });
    expect([await seriesOf(gate, "nano_pauses_total"), await seriesOf(gate, "nano_sessions_paused")]).toEqual([0, 0]);
    proxy.refuse(true);
    proxy.cut();
    await grows(gate, "nano_sessions_paused").toBe(1);
    bob.service(RoomClient).say({ text: "are you there?" });
    await expect.poll(() => heard).toEqual([]);
    await grows(gate, "nano_messages_received_total").toBeGreaterThanOrEqual(4);
    proxy.refuse(false);
    await expect.poll(() => heard, { timeout: 20_000 }).toEqual(["are you there?"]);
    expect(await seriesOf(gate, "nano_pauses_total")).toBe(1);
    expect(await seriesOf(gate, "nano_sessions_paused")).toBe(0);
    expect(await seriesOf(gate, 'nano_resumes_total{outcome="resumed"}')).toBe(1);
    expect(await seriesOf(gate, "nano_messages_replayed_total")).toBeGreaterThanOrEqual(1);
    expect(await seriesOf(gate, 'nano_pushes_total{delivery="replay",fate="replayed"}')).toBeGreaterThanOrEqual(1);
  });

  test("messages that are refused, by the stage, and a breach of the protocol", async () => {
    const { gate } = await startChat(cleanups);
    const raw = await rawTcp(portOf(gate));
    await raw.open();
    expect(await seriesOf(gate, 'nano_refused_total{stage="route"}')).toBe(0);
    raw.request(1, "no.such.route");
    await grows(gate, 'nano_refused_total{stage="route"}').toBe(1);
    expect(await seriesOf(gate, "nano_violations_total")).toBe(0);
    raw.sendPacket(77 as PacketType);
    await raw.closed();
    expect(await seriesOf(gate, "nano_violations_total")).toBe(1);
  });

  test("a limit that is hit, and a client that has fallen silent", async () => {
    const { gate } = await startChat(cleanups, { limits: { connections: 1, deadOtherMs: 1_100, heartbeatMs: 1_000 } });
    const raw = await rawTcp(portOf(gate));
    await raw.open();
    await grows(gate, 'nano_connections{acceptor="tcp",state="open"}').toBe(1);
    const other = await rawTcp(portOf(gate));
    other.sendPacket(PacketType.handshake, "{}");
    await other.closed();
    expect(await seriesOf(gate, 'nano_limit_hits_total{limit="connections"}')).toBe(1);
    await grows(gate, "nano_silent_total").toBe(1);
    expect(await seriesOf(gate, 'nano_limit_hits_total{limit="deadOtherMs"}')).toBe(1);
  });

  test("a client that reads too slowly", async () => {
    const { gate, room, play } = await startChat(cleanups, { limits: { queueMessages: 3 } });
    const reads = await play();
    const socket = connectSocket({ host: "127.0.0.1", port: portOf(gate) });
    const raw = rawSocketPeer(socket);
    cleanups.push(() => raw.close());
    raw.sendPacket(PacketType.handshake, "{}");
    await raw.packet();
    raw.sendPacket(PacketType.handshakeAck);
    const join = { kind: MessageKind.request, id: 1, route: "room.room.join", code: -1, compressed: false, error: false };
    raw.sendPacket(PacketType.data, encodeMessage(join, Buffer.from(JSON.stringify({ room: "lobby", name: "slow" }))));
    await raw.message();
    // It reads no more.
    socket.pause();
    const text = "x".repeat(200_000);
    for (let at = 0; at < 400 && (await seriesOf(gate, "nano_too_slow_total")) === 0; at++) {
      await room.users("lobby/slow").push(RoomPush.said, { name: "bob", text });
    }
    expect(await seriesOf(gate, "nano_too_slow_total")).toBe(1);
    expect(reads.state).toMatchObject({ name: "open" });
  });

  test("pushes that cannot be read, and calls that the cluster port refuses", async () => {
    const { gate } = await startChat(cleanups, { cluster: {} });
    const baseUrl = `http://${gate.addresses["cluster"]}`;
    const caller = createCaller(SessionService, createGrpcTransport({ baseUrl }));
    expect(await seriesOf(gate, "nano_pushes_unknown_total")).toBe(0);
    const raw = await rawTcp(portOf(gate));
    await raw.open();
    raw.request(1, "room.room.join", JSON.stringify({ room: "lobby", name: "old" }));
    await raw.message();
    // A client that reads JSON cannot be told what is no message.
    const group = { type: "room", name: "room/lobby" };
    await caller.pushGroup({ group, route: "room.room.said", body: Uint8Array.of(0xff) });
    await grows(gate, "nano_pushes_unknown_total").toBe(1);
    const session = { session: new Uint8Array(16), capability: new Uint8Array(32) };
    await expect(caller.push({ session, route: "room.room.said", body: new Uint8Array(0) })).rejects.toThrow();
    await grows(gate, 'nano_cluster_refused_total{kind="frames",reason="capability"}').toBe(1);
  });
});

describe("on a clock that is moved", () => {
  test("a reporter sees pushes that links sent once more, and those that were lost with the gap that they leave", async () => {
    const cluster = createTestCluster({ seed: 1, latencyMs: 3 });
    const [ofGate, ofRoom] = [sampleReader(), sampleReader()];
    const sessions: Session[] = [];
    const opened = sessionHooks(PlaySessionSchema, { onOpen: (session) => void sessions.push(session) });
    await cluster.start({ id: "gate-1", types: ["gate"], frontend: true, reporters: [ofGate.reporter] });
    const { services } = playServices(() => Promise.resolve());
    await cluster.start({ id: "play-1", services, sessions: [opened], reporters: [ofRoom.reporter] });
    const client = await cluster.connect("gate-1");
    const kept = client.service(PlayClient).kept({});
    await cluster.advance(200);
    await kept;
    const push = (): void => sessions.at(-1)?.push(PlayPush.told, { text: "hello" });
    const pushes = (fate: string): number => ofRoom.value("nano_link_pushes_total", { fate });
    expect([pushes("resent"), pushes("lost"), ofGate.value("nano_gaps_total")]).toEqual([0, 0, 0]);
    const short = cluster.cut("gate-1", "play-1");
    push();
    await cluster.advance(300);
    await short.heal();
    await cluster.advance(2_000);
    expect([pushes("resent"), pushes("lost"), ofGate.value("nano_gaps_total")]).toEqual([1, 0, 0]);
    const long = cluster.cut("gate-1", "play-1");
    push();
    await cluster.advance(11_500);
    await long.heal();
    await cluster.advance(6_000);
    expect([pushes("lost"), ofGate.value("nano_gaps_total")]).toEqual([1, 1]);
    await cluster.stop();
  });

  test("a reporter sees what waits on a link that is away, and what it does not take any more", async () => {
    const cluster = createTestCluster({ seed: 2, latencyMs: 3 });
    const ofRoom = sampleReader();
    const sessions: Session[] = [];
    const opened = sessionHooks(PlaySessionSchema, { onOpen: (session) => void sessions.push(session) });
    await cluster.start({ id: "gate-1", types: ["gate"], frontend: true });
    const { services } = playServices(() => Promise.resolve());
    await cluster.start({ id: "play-1", services, sessions: [opened], reporters: [ofRoom.reporter] });
    const client = await cluster.connect("gate-1");
    const kept = client.service(PlayClient).kept({});
    await cluster.advance(200);
    await kept;
    const now = (): readonly number[] => ["nano_link_queue_bytes", "nano_link_refused_total"].map((name) => ofRoom.value(name));
    expect(now()).toEqual([0, 0]);
    const fault = cluster.cut("gate-1", "play-1");
    const text = "x".repeat(100_000);
    for (let at = 0; at < 200 && ofRoom.value("nano_link_refused_total") === 0; at++) {
      for (const session of sessions) session.push(PlayPush.told, { text });
      await cluster.advance(10);
    }
    const [queued, refused] = now();
    expect(refused).toBeGreaterThan(0);
    expect(queued).toBeGreaterThan(1_000_000);
    await fault.heal();
    await cluster.stop();
  });
});
