import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { CallSchema, ForwardSchema, PushSchema, UsersSchema } from "../../gen/nano/cluster/v1/link_pb.ts";
import { NanoError } from "../../src/error/index.ts";
import { type Link, maxEnvelopeBytes, pushesOf } from "../../src/link/index.ts";
import { mustBeInOrder, Pusher, pushBody, Taker } from "./history.ts";
import { createHubs, type Hubs, type TestHub } from "./hubs.ts";
import type { RawLink } from "./raw-link.ts";

const windowBytes = 4 * 1_024 * 1_024;
const pieceBytes = 50_000;

let hubs: Hubs;
let back: TestHub;
let link: Link;
let pusher: Pusher;

describe("a peer that acknowledges nothing", () => {
  let raw: RawLink;

  beforeEach(async () => {
    hubs = createHubs();
    pusher = new Pusher();
    back = await hubs.hub("back", 1n);
    raw = await hubs.raw(back);
    raw.hello({ id: "raw", incarnation: 77n });
    await hubs.settle();
    raw.take("hello");
    const [opened] = back.opened;
    if (!opened) throw new Error("no link");
    link = opened;
  });

  const routes = (): string[] => raw.frames.flatMap(({ body }) => (body.case === "push" ? [body.value.route] : []));
  const acknowledge = async (): Promise<void> => {
    raw.say({ ack: BigInt(Math.max(...raw.frames.map(({ number }) => Number(number)))) });
    await hubs.settle();
  };

  test("gets three quarters of a window of pushes; the next wait, and come as it acknowledges, in order", async () => {
    const count = 120;
    for (let times = 0; times < count; times++) pusher.push(link, times % 5, { bytes: pieceBytes });
    await hubs.settle();
    const first = routes().length;
    expect(first * pieceBytes).toBeGreaterThan((windowBytes * 3) / 4 - 2 * pieceBytes);
    expect(first * pieceBytes).toBeLessThanOrEqual((windowBytes * 3) / 4);
    await hubs.advance(400);
    expect(routes()).toHaveLength(first);
    await acknowledge();
    await acknowledge();
    expect(routes()).toEqual(pusher.sent.map(({ number }) => String(number)));
  });

  test("leaves forwards and calls the last quarter, and refuses them beyond it", async () => {
    for (let times = 0; times < 120; times++) pusher.push(link, 1, { bytes: pieceBytes });
    await hubs.settle();
    let sent = 0;
    const call = (): void => link.sendData({ case: "call", value: create(CallSchema, { body: new Uint8Array(pieceBytes) }) });
    expect(() => {
      for (; sent < 100; sent++) call();
    }).toThrow(expect.objectContaining({ code: "resource_exhausted", message: "the link to raw is full" }));
    expect(sent * pieceBytes).toBeGreaterThan(windowBytes / 4 - 3 * pieceBytes);
    await hubs.settle();
    // They pass the pushes that wait.
    expect(raw.kinds.filter((kind) => kind === "call")).toHaveLength(sent);
  });

  test("of what waits gets the newest of latest, and nothing droppable", async () => {
    while (routes().length * pieceBytes < (windowBytes * 3) / 4 - 2 * pieceBytes) {
      pusher.push(link, 1, { bytes: pieceBytes });
      await hubs.settle();
    }
    const before = routes().length;
    link.sendData(pushBody(1, 1_000, 2 * pieceBytes, "latest"));
    pusher.push(link, 1, { bytes: 2 * pieceBytes, delivery: "droppable" });
    link.sendData(pushBody(1, 1_000, 2 * pieceBytes, "latest"));
    link.sendData(pushBody(2, 1_000, 2 * pieceBytes, "latest"));
    pusher.push(link, 1, { bytes: 2 * pieceBytes, delivery: "droppable", deliverBy: hubs.clock.now() + 1_000 });
    await hubs.settle();
    expect(routes()).toHaveLength(before);
    expect(link.counters.dropped).toBe(2);
    expect(pusher.sent.at(-1)?.delivered).toBe("resource_exhausted");
    await acknowledge();
    expect(routes().slice(before)).toEqual(["1000", "1000"]);
  });

  test("over 4 MiB that wait, pushes are refused, and whom they were for is told: once, with a name for each", async () => {
    while (pusher.refused.length === 0) pusher.push(link, 1, { bytes: pieceBytes });
    const taken = pusher.sent.length;
    expect(taken * pieceBytes).toBeGreaterThan(windowBytes * 1.75 - 3 * pieceBytes);
    expect(taken * pieceBytes).toBeLessThan(windowBytes * 1.75);
    pusher.push(link, 2, { bytes: pieceBytes, deliverBy: hubs.clock.now() + 1_000 });
    pusher.push(link, 2, { bytes: pieceBytes });
    const users = create(UsersSchema, { users: ["ann"] });
    const value = create(PushSchema, { route: "r", body: new Uint8Array(pieceBytes), target: { case: "users", value: users } });
    expect(() => link.sendData({ case: "push", value })).toThrow(NanoError);
    await hubs.settle();
    expect(pusher.sent.at(-1)?.delivered).toBe("resource_exhausted");
    expect(raw.take("gap")).toMatchObject({ handles: [1, 2], users: ["ann"], all: false });
    expect(raw.kinds).not.toContain("gap");
    for (let times = 0; times < 4; times++) await acknowledge();
    expect(routes()).toHaveLength(taken);
  });

  test("hears an answer after what was pushed to its session before, and others at once", async () => {
    for (let times = 0; times < 80; times++) pusher.push(link, 1, { bytes: pieceBytes });
    link.answer(7n, { case: "written", value: true }, pushesOf(1));
    link.answer(8n, { case: "written", value: true }, pushesOf(2));
    link.answer(9n, { case: "written", value: true });
    await hubs.settle();
    const answers = (): bigint[] => raw.frames.flatMap(({ body }) => (body.case === "answer" ? [body.value.call] : []));
    expect(answers()).toEqual([8n, 9n]);
    await acknowledge();
    expect(answers()).toEqual([8n, 9n, 7n]);
    expect(raw.kinds.at(-1)).toBe("answer");
  });

  test("may say how much it takes", async () => {
    raw.say({ credit: 1_000n });
    await hubs.settle();
    const call = (bytes: number): void =>
      link.sendData({ case: "call", value: create(CallSchema, { body: new Uint8Array(bytes) }) });
    expect(() => call(1_001)).toThrow(/full/);
    call(500);
    expect(() => call(500)).toThrow(/full/);
    await hubs.settle();
    await acknowledge();
    call(500);
  });

  test("is not sent what it cannot put together", () => {
    expect(() => pusher.push(link, 1, { bytes: maxEnvelopeBytes })).not.toThrow();
    expect(pusher.refused).toMatchObject([{ code: "resource_exhausted", message: "the frame is larger than the link carries" }]);
  });
});

describe("large frames", () => {
  let front: TestHub;
  let taker: Taker;

  async function connect(latencyMs: number): Promise<void> {
    hubs = createHubs({ latencyMs });
    pusher = new Pusher();
    taker = new Taker();
    back = await hubs.hub("back", 1n);
    front = await hubs.hub("front", 2n, { frontend: true, frame: taker.frame });
    await hubs.drive(back.hub.linkTo(front.info));
    await hubs.advance(2 * latencyMs);
    const [opened] = back.opened;
    if (!opened) throw new Error("no link");
    link = opened;
  }

  test("of up to a mebibyte arrive whole, those that are larger are refused", async () => {
    await connect(0);
    const body = Uint8Array.from({ length: 1_000_000 }, (_none, at) => at % 251);
    link.sendData({ case: "call", value: create(CallSchema, { call: 5n, route: "a.b", body }) });
    link.answer(3n, { case: "body", value: body });
    await hubs.settle();
    expect(front.frames).toHaveLength(1);
    expect(front.frames[0]?.body.value).toEqual(create(CallSchema, { call: 5n, route: "a.b", body }));
    expect(front.opened[0]?.counters.late).toBe(1);
    expect(() => link.sendData({ case: "call", value: create(CallSchema, { body: new Uint8Array(1_048_577) }) })).toThrow(
      expect.objectContaining({ code: "resource_exhausted" }),
    );
  });

  test("do not hold up small ones of others; those of the same session follow", async () => {
    await connect(10);
    for (const handle of [1, 2]) pusher.push(link, handle, { bytes: 900_000 });
    for (const handle of [1, 3, 2, 3]) pusher.push(link, handle);
    link.sendData({ case: "forward", value: create(ForwardSchema, { handle: 1 }) });
    await hubs.advance(2_000);
    const came = front.frames.map(({ body }) => (body.case === "push" ? body.value.route : body.case));
    expect(new Set(came.slice(0, 3))).toEqual(new Set(["4", "6", "forward"]));
    expect(taker.logs).toEqual(
      new Map([
        [3, [4, 6]],
        [1, [1, 3]],
        [2, [2, 5]],
      ]),
    );
  });

  test("share the link with each other", async () => {
    await connect(10);
    pusher.push(link, 1, { bytes: 1_000_000 });
    for (let handle = 2; handle <= 12; handle++) pusher.push(link, handle, { bytes: 70_000 });
    await hubs.advance(3_000);
    expect(taker.taken).toHaveLength(12);
    expect(taker.taken.at(-1)).toBe(1);
  });

  test("and small ones at random keep the order of each session", async () => {
    const push = fc.record({
      handle: fc.integer({ min: 1, max: 4 }),
      bytes: fc.oneof(fc.nat(100), fc.integer({ min: 60_000, max: 70_000 }), fc.integer({ min: 100_000, max: 900_000 })),
      waits: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(push, { minLength: 1, maxLength: 40 }), fc.constantFrom(0, 3), async (all, latencyMs) => {
        await connect(latencyMs);
        for (const { handle, bytes, waits } of all) {
          pusher.push(link, handle, { bytes });
          if (waits) await hubs.advance(1);
        }
        await hubs.advance(5_000);
        mustBeInOrder(taker);
        expect(taker.taken.length).toBe(pusher.sent.length);
        // Only what was over the bound of what may wait.
        for (const error of pusher.refused) expect(error.code).toBe("resource_exhausted");
      }),
      { numRuns: 40, endOnFailure: true },
    );
  });
});

describe("chunks that make no sense end the link", () => {
  const piece = new Uint8Array(65_536);

  test.each([
    ["over a mebibyte", () => Array.from({ length: 17 }, () => ({ stream: 1n, piece })), "resource_exhausted"],
    ["of five frames at once", () => [1n, 2n, 3n, 4n, 5n].map((stream) => ({ stream, piece })), "resource_exhausted"],
    ["without an end", () => Array.from({ length: 70 }, () => ({ stream: 1n })), "resource_exhausted"],
    ["that are no frame", () => [{ stream: 1n, piece: Uint8Array.of(0xff), last: true }], "invalid_argument"],
    // A chunk that stands in a chunk.
    ["within chunks", () => [{ stream: 1n, piece: Uint8Array.of(0x92, 0x02, 0x00), last: true }], "invalid_argument"],
  ])("%s", async (_what, chunks, code) => {
    hubs = createHubs();
    back = await hubs.hub("back", 1n);
    const raw = await hubs.raw(back);
    raw.hello({ id: "raw", incarnation: 77n });
    await hubs.settle();
    for (const value of chunks()) raw.say({ body: { case: "chunk", value } });
    await hubs.settle();
    expect(raw.take("goodbye")).toMatchObject({ code });
    expect(back.closed).toMatchObject([{ error: { code } }]);
  });
});
