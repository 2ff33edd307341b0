import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodeMessage, MessageKind } from "../../src/message/index.ts";
import { PacketType } from "../../src/packet/index.ts";
import { type EdgeServer, startEdge } from "../frontend/edge-server.ts";
import { type RawClient, rawTcp, rawWebSocket } from "../support/raw-client.ts";
import { bytesOf, type RawPacket, textOf } from "../support/raw-peer.ts";
import { type PacketName, packets, type Said, type State, type Step, step, ways } from "./connection-model.ts";

const names = Object.keys(packets) as PacketName[];
const held: (() => void)[] = [];
let edge: EdgeServer;

beforeAll(async () => {
  edge = await startEdge({
    limits: {
      heartbeatMs: 60_000,
      handshakeMs: 120_000,
      handshakesPerSecond: Infinity,
      connections: 20_000,
      unauthenticated: Infinity,
    },
    authenticate: ({ user }) =>
      typeof user === "object" && user !== null && "hold" in user
        ? new Promise((resolve) => held.push(() => resolve(undefined)))
        : undefined,
  });
});

afterAll(async () => {
  for (const release of held) release();
  await edge[Symbol.asyncDispose]();
});

const transports = [
  ["TCP", () => rawTcp(edge.tcp)],
  ["WebSocket", () => rawWebSocket(edge.ws)],
] as const;

function saidBy({ type, body }: RawPacket): Said | string {
  if (type === PacketType.kick) return JSON.parse(textOf(body)).code === "invalid_argument" ? "kick" : textOf(body);
  if (type === PacketType.handshake) return JSON.parse(textOf(body)).code === 200 ? "accepted" : "refused";
  if (type !== PacketType.data) return `a packet of type ${type}`;
  const { kind, id, error } = decodeMessage(body, 0, body.length);
  if (kind === MessageKind.push) return "push";
  return kind === MessageKind.response && id === 7 ? (error ? "failure" : "answer") : `a message of kind ${kind}`;
}

/** One connection, beside what it should be. */
class Walk {
  readonly raw: RawClient;
  state: State = "fresh";
  readonly #violations = counters().violations;
  readonly #refused = counters().handshakesRefused;
  #wasWorking = false;
  #wasRefused = false;

  constructor(raw: RawClient) {
    this.raw = raw;
  }

  /** @param cut Where the packet is cut in two; the default sends it whole. */
  async take(name: PacketName, cut?: number): Promise<void> {
    await this.#send(name, packets[name], step(this.state, name), cut);
  }

  /** Sends what no state knows. */
  async breach(bytes: Uint8Array): Promise<void> {
    await this.#send("a breach", bytes, { to: "closed", said: this.state === "working" ? ["kick"] : [] });
  }

  async #send(name: string, bytes: Uint8Array, { to, said }: Step, cut = bytes.length): Promise<void> {
    this.#wasWorking = this.state === "working";
    this.#wasRefused = said.includes("refused");
    this.raw.send(bytes.subarray(0, cut));
    if (cut < bytes.length) this.raw.send(bytes.subarray(cut));
    const heard: string[] = [];
    while (heard.length < said.length) heard.push(saidBy(await this.raw.packet()));
    expect(heard, `in answer to "${name}" while ${this.state}`).toEqual(said);
    this.state = to;
  }

  /** The server says nothing more, closes where it should, and has counted why. */
  async end(): Promise<void> {
    // Whatever state it is in, this ends it: with a kick where it works.
    if (this.state !== "closed") await this.take("type 6");
    expect((await this.raw.closed()).map(saidBy)).toEqual([]);
    const { violations, handshakesRefused } = counters();
    expect([violations - this.#violations, handshakesRefused - this.#refused]).toEqual([
      this.#wasRefused ? 0 : 1,
      this.#wasWorking ? 0 : 1,
    ]);
  }
}

/** One packet, as the model and the server take it. */
class Send implements fc.AsyncCommand<{ state: State }, Walk> {
  readonly name: PacketName;
  readonly cut: number | undefined;

  constructor(name: PacketName, cut: number | undefined) {
    this.name = name;
    this.cut = cut;
  }

  check({ state }: { readonly state: State }): boolean {
    return state !== "closed";
  }

  async run(model: { state: State }, walk: Walk): Promise<void> {
    await walk.take(this.name, this.cut);
    model.state = step(model.state, this.name).to;
    expect(walk.state).toBe(model.state);
  }

  toString(): string {
    return this.cut ? `${this.name} in two, at ${this.cut}` : this.name;
  }
}

function counters(): { readonly violations: number; readonly handshakesRefused: number } {
  const { frontend } = edge.server.counters;
  if (!frontend) throw new Error("the edge server has a frontend");
  const { violations, handshakesRefused } = frontend;
  return { violations, handshakesRefused: sum(Object.values(handshakesRefused)) };
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}

async function walk(open: () => Promise<RawClient>, path: readonly PacketName[]): Promise<void> {
  const one = new Walk(await open());
  try {
    for (const name of path) if (one.state !== "closed") await one.take(name);
    await one.end();
  } catch (reason) {
    throw new Error(`after ${path.join(", ")}`, { cause: reason });
  } finally {
    one.raw.close();
  }
}

describe.each(transports)("the state machine over %s", (transport, open) => {
  describe.each(Object.entries(ways))("%s", (_state, way) => {
    test.each(names)("%s", (name) => walk(open, [...way, name]));
    test("each packet twice", async () => {
      for (const name of names) await walk(open, [...way, name, name]);
    });
  });

  test("a conversation, then the same one backwards, and each of its parts backwards", async () => {
    const conversation: PacketName[] = ["handshake", "heartbeat", "ack", "heartbeat", "request", "notify", "request of no route"];
    for (let length = 1; length <= conversation.length; length++) {
      const part = conversation.slice(0, length);
      await walk(open, part);
      await walk(open, part.toReversed());
    }
  });

  test("any packets in any order, in any pieces, and backwards", async () => {
    // Those that lead on come often enough for long walks.
    const name = fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom<PacketName>("handshake", "ack", "heartbeat", "request", "notify") },
      { weight: 1, arbitrary: fc.constantFrom(...names) },
    );
    const cut = transport === "TCP" ? fc.option(fc.nat(20), { nil: undefined }) : fc.constant(undefined);
    const command = fc.tuple(name, cut).map(([packet, at]) => new Send(packet, at));
    const way = fc.constantFrom(...Object.values(ways)).map((all) => all.map((packet) => new Send(packet, undefined)));
    await fc.assert(
      fc.asyncProperty(way, fc.array(command, { minLength: 1, maxLength: 12 }), async (first, rest) => {
        for (const commands of [rest, rest.toReversed()]) {
          const real = new Walk(await open());
          await fc.asyncModelRun(() => ({ model: { state: "fresh" as State }, real }), [...first, ...commands]);
          await real.end();
          real.raw.close();
        }
      }),
      { numRuns: 150 },
    );
  });
});

// Each message is one packet: two, or a part of one, are a breach in every state.
describe.each(Object.entries(ways))("over WebSocket, while %s", (_state, way) => {
  test.each([
    ["nothing", ""],
    ["half a header", "\x03\x00"],
    ["less than it announces", "\x03\x00\x00\x05abc"],
    ["more than it announces", "\x03\x00\x00\x01abc"],
    ["two packets", "\x03\x00\x00\x00\x03\x00\x00\x00"],
  ])("a message with %s", async (_what, text) => {
    const walk = new Walk(await rawWebSocket(edge.ws));
    for (const name of way) await walk.take(name);
    await walk.breach(bytesOf(text));
    await walk.end();
  });
});

test("every two packets after another, in every state", { timeout: 120_000 }, async () => {
  for (const way of Object.values(ways)) {
    for (const one of names) for (const other of names) await walk(() => rawTcp(edge.tcp), [...way, one, other]);
  }
});
