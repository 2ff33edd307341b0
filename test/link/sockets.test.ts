import { create } from "@bufbuild/protobuf";
import { silentLogger } from "nano-rpc";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { CallSchema } from "../../gen/nano/cluster/v1/link_pb.ts";
import { seededRandom, systemClock, systemRandom } from "../../src/clock/index.ts";
import { NanoError } from "../../src/error/index.ts";
import { ask, createLinkHub, createLinkTransport, type Link, type LinkEvents, type LinkHub } from "../../src/link/index.ts";
import { systemNet } from "../../src/net/index.ts";
import { mustBeInOrder, Pusher, Taker } from "./history.ts";
import { serverInfo } from "./hubs.ts";
import { startProxy, type TcpProxy } from "./proxy.ts";

let back: LinkHub;
let front: LinkHub;
let proxy: TcpProxy;
let link: Link;
let pusher: Pusher;
let taker: Taker;
let broken: number;
let closed: string[];

function hub(id: string, incarnation: bigint, events: Partial<LinkEvents>): LinkHub {
  return createLinkHub({
    self: () => ({ id, incarnation, types: [id], frontend: id === "front", schema: "" }),
    transport: createLinkTransport(systemNet, { authorize: () => true, other: () => {} }),
    clock: systemClock,
    random: systemRandom,
    log: silentLogger,
    tokens: ["a token that both have"],
    load: () => 0,
    events: {
      opened: () => {},
      frame: () => {},
      broken: () => void broken++,
      closed: (_link, error) => void closed.push(error.message),
      ...events,
    },
  });
}

// The link is dialed through the proxy, on real sockets.
beforeEach(async () => {
  pusher = new Pusher();
  taker = new Taker();
  broken = 0;
  closed = [];
  back = hub("back", 1n, {
    frame(on, body) {
      if (body.case === "call") on.answer(body.value.call, { case: "body", value: body.value.body });
    },
  });
  front = hub("front", 2n, { frame: taker.frame });
  const address = await back.start({ host: "127.0.0.1", port: 0 });
  await front.start({ host: "127.0.0.1", port: 0 });
  proxy = await startProxy(address);
  await front.linkTo(serverInfo("back", 1n, proxy.address));
  const found = back.find(2n);
  if (!found) throw new Error("no link");
  link = found;
});

afterEach(async () => {
  await proxy.close();
  await Promise.all([back.stop(), front.stop()]);
});

const byNumber = (one: number, other: number): number => one - other;

async function allCame(): Promise<void> {
  await vi.waitFor(() => expect(taker.taken).toHaveLength(pusher.sent.length), { timeout: 10_000, interval: 10 });
  mustBeInOrder(taker);
  expect(taker.taken.sort(byNumber)).toEqual(pusher.sent.map(({ number }) => number));
}

describe("over sockets", () => {
  test("a stream that breaks again and again loses nothing, brings nothing twice, and keeps the order", async () => {
    const random = seededRandom(11);
    for (let breaks = 0; breaks < 6; breaks++) {
      for (let turns = 0; turns < 20; turns++) {
        for (let times = 0; times < 10; times++) {
          const bytes = random.next() < 0.05 ? 60_000 + Math.floor(random.next() * 200_000) : Math.floor(random.next() * 200);
          const deliver = random.next() < 0.3 ? { deliverBy: systemClock.now() + 20_000 } : {};
          pusher.push(link, 1 + (times % 3), { bytes, ...deliver });
        }
        await new Promise((resolve) => setImmediate(resolve));
      }
      proxy.reset();
      await vi.waitFor(() => expect(broken).toBe(2 * (breaks + 1)), { timeout: 5_000, interval: 5 });
      // What comes while it is broken waits.
      for (let times = 0; times < 10; times++) pusher.push(link, 1);
      await vi.waitFor(() => expect(back.find(2n)).toBe(link), { timeout: 5_000, interval: 5 });
    }
    await allCame();
    await vi.waitFor(() => expect(pusher.sent.map(({ delivered }) => delivered)).not.toContain("waits"), { timeout: 5_000 });
    expect(new Set(pusher.sent.map(({ delivered }) => delivered))).toEqual(new Set([undefined, "reached"]));
    expect(link.counters.resent).toBeGreaterThan(0);
    expect([closed, pusher.refused]).toEqual([[], []]);
  });

  test("a peer that is read slowly holds up pushes at three quarters of a window; all come when it reads on", async () => {
    proxy.hold(true);
    for (let times = 0; times < 40; times++) pusher.push(link, times % 4, { bytes: 100_000 });
    const call = (): void => link.sendData({ case: "call", value: create(CallSchema, { body: new Uint8Array(100_000) }) });
    const full = { code: "resource_exhausted" };
    await vi.waitFor(() => expect(call).toThrow(expect.objectContaining(full)), { timeout: 5_000, interval: 5 });
    expect(pusher.refused).toEqual([]);
    expect(taker.taken.length).toBeLessThan(40);
    proxy.hold(false);
    await allCame();
    expect([broken, closed]).toEqual([0, []]);
  });

  test("calls of a mebibyte and small ones pass side by side, and all are answered", async () => {
    const on = front.find(1n);
    if (!on) throw new Error("no link");
    const order: number[] = [];
    const asked = [900_000, 10, 500_000, 20, 30].map(async (bytes) => {
      const outcome = await ask(on, systemClock.now() + 10_000, (call) =>
        on.sendData({ case: "call", value: create(CallSchema, { call, body: new Uint8Array(bytes).fill(7) }) }),
      );
      order.push(bytes);
      return outcome.case === "body" ? outcome.value.length : outcome.case;
    });
    expect(await Promise.all(asked)).toEqual([900_000, 10, 500_000, 20, 30]);
    expect(order.slice(0, 3)).toEqual([10, 20, 30]);
    const over = ask(on, systemClock.now() + 1_000, (call) =>
      on.sendData({ case: "call", value: create(CallSchema, { call, body: new Uint8Array(1_100_000) }) }),
    );
    await expect(over).rejects.toBeInstanceOf(NanoError);
  });

  test("a server that is gone for good is given up 5 s after its stream broke", async () => {
    await proxy.close();
    const at = systemClock.now();
    pusher.push(link, 1, { deliverBy: at + 60_000 });
    await vi.waitFor(() => expect(closed).toHaveLength(2), { timeout: 8_000, interval: 20 });
    expect(systemClock.now() - at).toBeGreaterThan(4_900);
    expect(systemClock.now() - at).toBeLessThan(6_500);
    expect(pusher.sent[0]?.delivered).toBe("unavailable");
    expect(link.counters.lost).toBe(1);
  });
});
