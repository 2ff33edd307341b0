import { execPath } from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodePacket, PacketType } from "../../src/packet/index.ts";
import { type RawWebSocket, rawStranger, rawUpgrade, upgradeText } from "../acceptor/raw-web-socket.ts";
import { until } from "../net/recorder.ts";
import { type Child, startChild } from "../support/child.ts";
import { type RawClient, rawTcp, rawWebSocket } from "../support/raw-client.ts";
import { type RawPacket, textOf } from "../support/raw-peer.ts";
import { readCorpus } from "./engine/corpus.ts";
import { Mutator } from "./engine/mutator.ts";
import { bytesOf } from "./engine/target.ts";
import { handshakeRequest } from "./targets/handshake.ts";
import { message } from "./targets/message.ts";
import { packetStream } from "./targets/packet.ts";
import type { Account } from "./victim.ts";

const seed = 20_260_102;
// One that is pushed texts for routes, not codes.
const plainClient = { sys: { platform: "test" } };
const peersOfAKind = 400;
const atOnce = 16;
const maxHeapGrowth = 8 * 1_024 * 1_024;
const maxRssGrowth = 160 * 1_024 * 1_024;

let victim: Child;
let tcp: number;
let ws: number;
let asked = 0;

beforeAll(async () => {
  victim = startChild(execPath, ["--conditions=nano-source", fileURLToPath(new URL("victim.ts", import.meta.url))]);
  [tcp = 0, ws = 0] = (await victim.line((line) => line.startsWith("ports "))).split(" ").slice(1).map(Number);
});

afterAll(async () => {
  // It has come to no harm: it can still stop as it should.
  expect(await victim.end("SIGTERM")).toBe(0);
});

async function account(): Promise<Account> {
  const sign = `account ${++asked} `;
  victim.process.kill("SIGUSR2");
  return JSON.parse((await victim.line((line) => line.startsWith(sign))).slice(sign.length)) as Account;
}

/** A session that asks, and tells and is told, one after another, until it is enough. */
class Healthy {
  asked = 0;
  told = 0;
  #over = false;
  readonly #done: Promise<void>;
  readonly #raw: RawClient;

  constructor(raw: RawClient) {
    this.#raw = raw;
    this.#done = this.#go();
    this.#done.catch(() => {});
  }

  /** Resolves when its last answer came. Rejects where one was lost, wrong or late. */
  end(): Promise<void> {
    this.#over = true;
    return this.#done;
  }

  async #go(): Promise<void> {
    while (!this.#over) {
      const n = ++this.asked;
      this.#raw.request(n, "a.b", JSON.stringify({ room: `r${n}` }));
      const answer = await this.#raw.message();
      expect([answer.id, answer.error, JSON.parse(answer.text)]).toEqual([n, false, { members: [`r${n}`, ""] }]);
      this.#raw.notify("edge.say", JSON.stringify({ text: `t${n}` }));
      const push = await this.#raw.message();
      expect([push.route, JSON.parse(push.text)]).toEqual(["edge.said", { name: "echo", text: `t${n}` }]);
      this.told++;
    }
    this.#raw.close();
  }
}

const mutatorOf = (target: typeof message): Mutator =>
  new Mutator(
    readCorpus(target)
      .map(({ bytes }) => (target.chooses ? bytes.subarray(1) : bytes))
      .filter(({ length }) => length <= 1_024),
    target.tokens.map((token) => bytesOf(token)),
    1_024,
  );
const mutated = { stream: mutatorOf(packetStream), handshake: mutatorOf(handshakeRequest), message: mutatorOf(message) };
const noise = new Mutator([new Uint8Array(64)], [new Uint8Array(1)], 128);

/** What bad peers say, each kind in its own way. `end` is a breach in whatever state they are by then. */
const kinds: Readonly<Record<string, (raw: RawClient, index: number, end: Uint8Array) => Promise<void>>> = {
  async "random bytes"(raw, index, end) {
    raw.send(noise.make(seed, index));
    raw.send(end);
  },
  async "mutated packets"(raw, index, end) {
    raw.send(mutated.stream.make(seed, index));
    raw.send(end);
  },
  async "mutated handshakes"(raw, index, end) {
    raw.sendPacket(PacketType.handshake, mutated.handshake.make(seed, index));
    raw.send(end);
  },
  async "mutated messages of a session"(raw, index, end) {
    await raw.open(plainClient);
    for (let part = 0; part < 4; part++) {
      raw.send(encodePacket(PacketType.data, mutated.message.make(seed, index * 4 + part)));
    }
    raw.send(end);
  },
};

/** Runs many, some at once. */
async function crowd(count: number, one: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) await one(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}

function isRefusal({ type, body }: RawPacket): boolean {
  return type === PacketType.handshake && JSON.parse(textOf(body)).code !== 200;
}

/** Lets something bad happen while healthy sessions work, and sees that they lost nothing and the server keeps nothing. */
async function besideHealthy(bad: () => Promise<void>): Promise<{ readonly before: Account; readonly after: Account }> {
  const raws = await Promise.all([0, 1, 2, 3].flatMap(() => [rawTcp(tcp), rawWebSocket(ws)]));
  for (const raw of raws) await raw.open(plainClient);
  const healthy = raws.map((raw) => new Healthy(raw));
  await until(() => healthy.every(({ told }) => told > 0)).toBe(true);
  const before = await account();
  await bad();
  const after = await account();
  await Promise.all(healthy.map((one) => one.end()));
  for (const { asked, told } of healthy) {
    expect(told).toBe(asked);
    expect(told).toBeGreaterThan(10);
  }
  expect(after.heapBytes - before.heapBytes).toBeLessThan(maxHeapGrowth);
  expect(after.rssBytes - before.rssBytes).toBeLessThan(maxRssGrowth);
  return { before, after };
}

describe.each([
  // Fills whatever packet has begun, and is none itself.
  ["TCP", () => rawTcp(tcp), new Uint8Array(70_000)],
  ["WebSocket", () => rawWebSocket(ws), new Uint8Array(4)],
] as const)("a running server over %s", (_name, open, end) => {
  test.each(Object.entries(kinds))("%s: each peer is closed and counted, and nobody else hears of it", async (_kind, speak) => {
    let refused = 0;
    const { before, after } = await besideHealthy(() =>
      crowd(peersOfAKind, async (index) => {
        const raw = await open();
        await speak(raw, index, end);
        const said = await raw.closed();
        const last = said.at(-1);
        // Who is told anything before the end is told why.
        if (last?.type === PacketType.kick) expect(JSON.parse(textOf(last.body)).code).toBe("invalid_argument");
        else expect(said.filter(({ type }) => type !== PacketType.handshake)).toEqual([]);
        if (said.some(isRefusal)) refused++;
      }),
    );
    expect(after.accepted - before.accepted).toBe(peersOfAKind);
    // Every one of them has broken the protocol, but for those whose handshake was answered with a refusal.
    expect(after.violations - before.violations).toBe(peersOfAKind - refused);
  });
});

describe("a running server before any packet", () => {
  const upgrades = new Mutator(
    [bytesOf(upgradeText())],
    ["\r\n", ":", "Upgrade", "\0", "GET ", "Host: ", "é"].map((token) => bytesOf(token)),
    2_048,
  );
  const frames = [0x82, 0x81, 0x02, 0x80, 0x88, 0x89, 0x8a, 0xc2, 0x83].map((first) =>
    bytesOf(first, 0x8e, Uint8Array.of(0, 0, 0, 0), encodePacket(PacketType.handshake, bytesOf('{"sys":{}}'))),
  );
  const framed = new Mutator(
    frames,
    [
      Uint8Array.of(0x82, 0xfe, 0xff, 0xff),
      Uint8Array.of(0x82, 0xff),
      Uint8Array.of(0x00, 0x80),
      Uint8Array.of(0x88, 0x80, 0, 0, 0, 0),
    ],
    512,
  );

  test.each([
    ["mutated upgrades", async () => rawStranger(ws), upgrades],
    ["mutated frames", () => rawUpgrade(ws), framed],
    ["HTTP on the TCP port", async () => rawStranger(tcp), upgrades],
  ] as const)("%s: each is closed, and nobody else hears of it", async (_what, open, mutator) => {
    await besideHealthy(() =>
      crowd(peersOfAKind, async (index) => {
        const raw: RawWebSocket = await open();
        raw.socket.write(mutator.make(seed, index));
        // Whatever has begun ends in this, as a header or as a frame.
        raw.socket.write(new Uint8Array(70_000));
        await until(() => raw.closed).toBe(true);
        raw.socket.destroy();
      }),
    );
  });
});
