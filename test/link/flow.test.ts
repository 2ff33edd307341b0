import { create } from "@bufbuild/protobuf";
import { beforeEach, describe, expect, test } from "vitest";
import {
  BoundSchema,
  CallSchema,
  ClaimSchema,
  EndSchema,
  GroupNameSchema,
  InterestSchema,
  KickSchema,
  OpenSchema,
} from "../../gen/nano/cluster/v1/link_pb.ts";
import type { Clock } from "../../src/clock/index.ts";
import { NanoError } from "../../src/error/index.ts";
import { ask, type Link, type Outcome } from "../../src/link/index.ts";
import { createHubs, type Hubs, serverInfo, type TestHub } from "./hubs.ts";
import type { FrameInit } from "./raw-link.ts";

const bound = 4 * 1_024 * 1_024;
const pieceBytes = 100_000;

let hubs: Hubs;
let one: TestHub;
let two: TestHub;
let link: Link;

async function connect(latencyMs = 0, frontend = false): Promise<void> {
  hubs = createHubs({ latencyMs });
  one = await hubs.hub("one", 1n, { frontend });
  two = await hubs.hub("two", 2n);
  link = await hubs.drive(one.hub.linkTo(two.info));
  await hubs.advance(latencyMs);
}

function callFrame(call: bigint, bytes = 0) {
  return { case: "call", value: create(CallSchema, { call, route: "a.b.c", body: new Uint8Array(bytes) }) } as const;
}

/** Asks with a call of so many bytes; gives what came of it in a word. */
function call(deadlineMs = hubs.clock.now() + 5_000, bytes = 0): Promise<string> {
  return ask(link, deadlineMs, (number) => link.sendData(callFrame(number, bytes))).then(
    (outcome: Outcome) => outcome.case,
    (reason: unknown) => NanoError.from(reason).code,
  );
}

/** Sends until the link refuses, large ones and then the smallest; gives how many were taken, and what it said. */
function fill(): { readonly sent: number; readonly bytes: number; readonly error: NanoError } {
  let bytes = pieceBytes;
  for (let sent = 0, sum = 0; sent < 100_000; sent++) {
    try {
      link.sendData(callFrame(0n, bytes));
      sum += bytes;
    } catch (reason) {
      if (bytes === 0) return { sent, bytes: sum, error: NanoError.from(reason) };
      bytes = 0;
      sent--;
    }
  }
  throw new Error("never full");
}

describe("a link whose peer is slow", () => {
  beforeEach(() => connect(500));

  test("refuses data at its bound, and takes it again when there is room; nothing is lost or out of order", async () => {
    const { sent, bytes, error } = fill();
    expect(error).toMatchObject({ code: "resource_exhausted", message: "the link to two is full", retryable: true });
    expect(bytes).toBeGreaterThan(bound - 2 * pieceBytes);
    expect(bytes).toBeLessThanOrEqual(bound);
    // It stays so: nothing grows meanwhile.
    for (let times = 0; times < 100; times++) expect(() => link.sendData(callFrame(0n))).toThrow(/full/);
    expect(link.counters.refused).toBe(102);
    await hubs.advance(10_000);
    expect(two.frames).toHaveLength(sent);
    const again = fill();
    expect(again.sent).toBe(sent);
    await hubs.advance(10_000);
    expect(two.frames).toHaveLength(2 * sent);
    expect(one.broken).toEqual([]);
  });

  test("still takes what is outside of the bound: control and answers", async () => {
    const { sent } = fill();
    link.send({ case: "kick", value: create(KickSchema, { code: "over" }) });
    link.answer(9n, { case: "written", value: true });
    await hubs.advance(10_000);
    expect(two.frames).toHaveLength(sent + 1);
    expect(two.frames.filter(({ body }) => body.case === "kick")).toHaveLength(1);
    expect(two.opened[0]?.counters.late).toBe(1);
  });

  test("refuses calls at once, and tells the peer nothing of them", async () => {
    const { sent } = fill();
    const refused = await Promise.all(Array.from({ length: 1_000 }, () => call()));
    expect(new Set(refused)).toEqual(new Set(["resource_exhausted"]));
    await hubs.advance(10_000);
    expect(two.frames.filter(({ body }) => body.case === "call")).toHaveLength(sent);
    expect(two.frames.filter(({ body }) => body.case === "cancel")).toEqual([]);
  });

  test("is given up when it asks on and on, and answers pile up to four times the bound", async () => {
    const pending = call(hubs.clock.now() + 60_000);
    await hubs.settle();
    const answer: Outcome = { case: "body", value: new Uint8Array(250_000) };
    let answers = 0;
    while (!link.closed && answers < 200) {
      link.answer(BigInt(++answers), answer);
      await hubs.settle();
    }
    expect(answers * 250_000).toBeGreaterThan(4 * bound);
    expect(answers * 250_000).toBeLessThan(4 * bound + 500_000);
    expect(one.closed).toMatchObject([{ link, error: { code: "resource_exhausted", message: "two does not read" } }]);
    expect(await pending).toBe("unavailable");
  });
});

describe("deadlines", () => {
  test("end a call, never early, and tell the peer that nobody waits", async () => {
    await connect();
    const at = hubs.clock.now();
    let over = 0;
    const late = call(at + 1_000).finally(() => {
      over = hubs.clock.now();
    });
    await hubs.advance(900);
    expect(over).toBe(0);
    await hubs.advance(200);
    expect(await late).toBe("deadline_exceeded");
    expect(over - at).toBeGreaterThanOrEqual(1_000);
    expect(over - at).toBeLessThanOrEqual(1_050);
    expect(two.frames.map(({ body }) => body.case)).toEqual(["call", "cancel"]);
    // The answer that comes all the same is nobody's.
    two.opened[0]?.answer(1n, { case: "written", value: true });
    await hubs.settle();
    expect(link.counters.late).toBe(1);
  });

  test("hold for each of many calls by itself", async () => {
    await connect();
    const at = hubs.clock.now();
    const order: number[] = [];
    const lengths = [700, 100, 400, 1_000, 250];
    for (const length of lengths) void call(at + length).then(() => order.push(length));
    await hubs.advance(1_100);
    expect(order).toEqual([100, 250, 400, 700, 1_000]);
  });

  test("that have passed already end at once, or nearly", async () => {
    await connect();
    const passed = call(hubs.clock.now() - 1);
    await hubs.advance(50);
    expect(await passed).toBe("deadline_exceeded");
  });

  test("a call that is given up is settled at once, and the peer hears of it; a second time nothing happens", async () => {
    await connect();
    const heard: unknown[] = [];
    const number = link.expect(hubs.clock.now() + 5_000, (outcome) => heard.push(outcome));
    link.sendData(callFrame(number));
    const reason = new NanoError({ code: "canceled", message: "enough" });
    link.cancel(number, reason);
    link.cancel(number, reason);
    expect(heard).toEqual([reason]);
    await hubs.settle();
    expect(two.frames.map(({ body }) => body.case)).toEqual(["call", "cancel"]);
  });

  test("more calls than one link ever has are refused", async () => {
    await connect();
    for (let calls = 0; calls < 65_536; calls++) link.expect(hubs.clock.now() + 5_000, () => {});
    expect(await call()).toBe("resource_exhausted");
  });
});

describe("when a link ends", () => {
  const endings: [string, () => void][] = [
    ["breaks", () => hubs.net.reset("one", "two")],
    ["is closed here", () => link.close("enough")],
    ["is closed there", () => two.opened[0]?.close("enough")],
    ["has a peer that crashes", () => hubs.net.crash("two")],
  ];

  test.each(endings)("and %s, every call under way fails at once", async (_how, end) => {
    await connect();
    const calls = Array.from({ length: 100 }, () => call(hubs.clock.now() + 60_000));
    await hubs.settle();
    const at = hubs.clock.now();
    end();
    await hubs.settle();
    expect(new Set(await Promise.all(calls))).toEqual(new Set(["unavailable"]));
    expect(hubs.clock.now()).toBe(at);
    expect(one.broken.length + one.closed.length).toBe(1);
    expect(two.broken.length + two.closed.length).toBeLessThanOrEqual(1);
    expect([...one.hub.links()].filter((open) => open !== link)).toEqual([]);
  });

  test.each(endings)("and %s, what comes after fails at once, and the next need opens another", async (how, end) => {
    await connect();
    if (how === "breaks") hubs.net.cut("one", "two");
    end();
    await hubs.settle();
    expect(link.closed || link.broken).toBe(true);
    const sent = two.frames.length;
    expect(() => link.sendData(callFrame(1n))).toThrow(expect.objectContaining({ code: "unavailable" }));
    link.answer(1n, { case: "written", value: true });
    // Asked in one turn, answered in the next: the caller has its number by then.
    expect(await call()).toBe("unavailable");
    const control = ask(link, hubs.clock.now() + 5_000, (number) =>
      link.send({ case: "kick", value: create(KickSchema, { call: number }) }),
    );
    await expect(control).rejects.toMatchObject({ code: "unavailable" });
    await hubs.settle();
    expect(two.frames).toHaveLength(sent);
    if (how === "has a peer that crashes") return;
    hubs.net.heal("one", "two");
    // What was dialed meanwhile is given up after 3 s.
    if (how === "breaks") await hubs.advance(3_500);
    const next = await hubs.drive(one.hub.linkTo(two.info));
    expect(next.closed || next.broken).toBe(false);
    // One that broke goes on.
    expect(next === link).toBe(how === "breaks");
    expect(two.opened).toHaveLength(2);
  });

  test("what was sent before a close arrives, in order, and then the reason", async () => {
    await connect();
    for (let at = 1n; at <= 3n; at++) link.sendData(callFrame(at));
    link.close("tired");
    await hubs.settle();
    expect(two.frames.map(({ body }) => body.case)).toEqual(["call", "call", "call"]);
    expect(two.closed).toMatchObject([{ error: { code: "unavailable", message: "tired" } }]);
  });

  test("a hub that stops ends all its links, tells why, and opens no more", async () => {
    await connect();
    const raw = await hubs.raw(one);
    const waiting = call(hubs.clock.now() + 60_000);
    const dialing = one.hub.linkTo(serverInfo("raw", 9n, (await hubs.listen()).address));
    const refused = dialing.then(() => "open", NanoError.from);
    await hubs.settle();
    await hubs.drive(one.hub.stop());
    await hubs.settle();
    expect(await waiting).toBe("unavailable");
    expect(await refused).toMatchObject({ code: "unavailable" });
    expect(two.closed).toMatchObject([{ error: { message: "the server stops" } }]);
    expect(raw.take("goodbye")).toMatchObject({ code: "unavailable", reason: "the server stops" });
    await expect(one.hub.linkTo(two.info)).rejects.toMatchObject({ code: "unavailable" });
  });
});

describe("a silent peer", () => {
  test("is down after 5 s, at both ends; what waited fails then", async () => {
    await connect();
    const waiting = call(hubs.clock.now() + 60_000);
    await hubs.settle();
    hubs.net.cut("one", "two");
    await hubs.advance(4_900);
    expect([...one.broken, ...two.broken]).toEqual([]);
    await hubs.advance(700);
    expect(one.broken).toMatchObject([{ error: { code: "unavailable", message: "two is silent" } }]);
    expect(two.broken).toMatchObject([{ error: { code: "unavailable", message: "one is silent" } }]);
    expect(await waiting).toBe("unavailable");
    // It is over when it has not come back within 5 s more.
    await hubs.advance(4_000);
    expect([...one.closed, ...two.closed]).toEqual([]);
    await hubs.advance(1_000);
    expect([one.closed.length, two.closed.length, link.closed]).toEqual([1, 1, true]);
  });

  test("is asked for a sign of life after 2 s, and stays as long as it gives one", async () => {
    await connect(0, true);
    await hubs.advance(1_500);
    expect(link.counters.pings).toBe(0);
    await hubs.advance(120_000);
    expect(link.closed).toBe(false);
    expect(link.counters.pings).toBeGreaterThan(10);
    expect(link.counters.pings).toBeLessThan(70);
    expect([...one.closed, ...two.closed]).toEqual([]);
  });

  test("that sends anything else is not asked", async () => {
    await connect(0, true);
    for (let seconds = 0; seconds < 20; seconds++) {
      two.opened[0]?.send({ case: "kick", value: create(KickSchema) });
      link.send({ case: "kick", value: create(KickSchema) });
      await hubs.advance(1_000);
    }
    expect(link.counters.pings + (two.opened[0]?.counters.pings ?? 0)).toBe(0);
  });

  test("is not taken for one by a server that slept itself: what was said meanwhile is only read after that", async () => {
    hubs = createHubs();
    let asleep = false;
    const every = hubs.clock.every.bind(hubs.clock);
    const clock: Clock = { ...hubs.clock, every: (periodMs, call) => every(periodMs, () => void (asleep || call())) };
    one = await hubs.hub("one", 1n, { clock });
    const raw = await hubs.raw(one);
    raw.hello({ id: "raw", incarnation: 77n });
    await hubs.advance(1_000);
    asleep = true;
    await hubs.advance(8_000);
    asleep = false;
    await hubs.advance(600);
    expect([...one.broken, ...one.closed]).toEqual([]);
    // From then on it has as long as any.
    await hubs.advance(4_600);
    expect([...one.broken, ...one.closed]).toMatchObject([{ error: { message: "raw is silent" } }]);
  });

  test("that sends, but does not answer what it is asked, is alive", async () => {
    hubs = createHubs();
    one = await hubs.hub("one", 1n);
    const raw = await hubs.raw(one);
    raw.hello({ id: "raw", incarnation: 77n });
    const nothing: FrameInit = { load: 1 };
    for (let seconds = 0; seconds < 30; seconds++) {
      await hubs.advance(1_000);
      raw.say(nothing);
    }
    expect(one.closed).toEqual([]);
  });
});

describe("a link without traffic", () => {
  test("between backends is closed after 60 s; the next need opens it", async () => {
    await connect();
    await hubs.advance(59_000);
    expect(link.closed).toBe(false);
    await hubs.advance(2_000);
    expect(one.closed).toMatchObject([{ error: { message: "idle" } }]);
    expect(two.closed).toMatchObject([{ error: { message: "idle" } }]);
    link = await hubs.drive(one.hub.linkTo(two.info));
    // Traffic either way puts it off, and so does a call that waits.
    await hubs.advance(40_000);
    two.opened[1]?.sendData(callFrame(1n));
    await hubs.advance(40_000);
    expect(link.closed).toBe(false);
    void call(hubs.clock.now() + 90_000);
    await hubs.advance(80_000);
    expect(link.closed).toBe(false);
  });

  test("between a frontend and a backend stays", async () => {
    await connect(0, true);
    await hubs.advance(200_000);
    expect(link.closed).toBe(false);
  });

  describe("between frontends", () => {
    const frontends = async (): Promise<void> => {
      hubs = createHubs();
      one = await hubs.hub("one", 1n, { frontend: true });
      two = await hubs.hub("two", 2n, { frontend: true });
      link = await hubs.drive(one.hub.linkTo(two.info));
      await hubs.settle();
    };
    const claim = (): void => {
      const asked = two.opened[0]?.expect(hubs.clock.now() + 5_000, () => {}) ?? 0n;
      two.opened[0]?.send({ case: "claim", value: create(ClaimSchema, { call: asked, user: "ann" }) });
    };

    test("is closed after 30 s; a claim from either side puts it off", async () => {
      await frontends();
      await hubs.advance(29_000);
      claim();
      await hubs.settle();
      link.answer(1n, { case: "bound", value: create(BoundSchema) });
      await hubs.advance(29_000);
      expect(link.closed).toBe(false);
      await hubs.advance(2_000);
      expect([one.closed, two.closed]).toMatchObject([[{ error: { message: "idle" } }], [{ error: { message: "idle" } }]]);
    });

    test("stays as long as either side has sessions there, or groups with members", async () => {
      await frontends();
      const [back] = two.opened;
      const group = (name: string) => create(GroupNameSchema, { type: "play", name });
      link.send({ case: "open", value: create(OpenSchema, { handle: 1 }) });
      await hubs.advance(40_000);
      link.send({ case: "end", value: create(EndSchema, { handle: 1 }) });
      back?.send({ case: "interest", value: create(InterestSchema, { snapshot: true, added: [group("a"), group("b")] }) });
      await hubs.advance(40_000);
      back?.send({ case: "interest", value: create(InterestSchema, { removed: [group("a")] }) });
      await hubs.advance(40_000);
      expect(link.closed).toBe(false);
      back?.send({ case: "interest", value: create(InterestSchema, { removed: [group("b")] }) });
      await hubs.advance(31_000);
      expect(link.closed).toBe(true);
    });

    test("stays for those who say again on the next stream what they have open", async () => {
      await frontends();
      link.send({ case: "open", value: create(OpenSchema, { handle: 1 }) });
      await hubs.settle();
      hubs.net.reset("one", "two");
      await hubs.advance(1_000);
      link.send({ case: "open", value: create(OpenSchema, { handle: 1 }) });
      await hubs.advance(40_000);
      expect(link.closed).toBe(false);
      link.send({ case: "end", value: create(EndSchema, { handle: 1 }) });
      await hubs.advance(31_000);
      expect(link.closed).toBe(true);
    });
  });
});
