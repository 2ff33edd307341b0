import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import {
  AnswerSchema,
  CallSchema,
  ForwardSchema,
  type Frame,
  FrameSchema,
  InterestSchema,
  LinkRequestSchema,
  PatchSchema,
  PushSchema,
} from "../../gen/nano/cluster/v1/link_pb.ts";
import { NanoError, toWireError } from "../../src/error/index.ts";
import { maxEnvelopeBytes, type Outcome } from "../../src/link/index.ts";
import { createHubs, type Hubs, type TestHub } from "./hubs.ts";
import { envelope, type FrameInit, type RawLink } from "./raw-link.ts";

let hubs: Hubs;
let one: TestHub;
let raw: RawLink;

beforeEach(async () => {
  hubs = createHubs();
  one = await hubs.hub("one", 1n);
  raw = await open();
});

async function open(incarnation = 77n): Promise<RawLink> {
  const link = await hubs.raw(one);
  link.hello({ id: `raw-${incarnation}`, incarnation });
  await hubs.settle();
  link.take("hello");
  return link;
}

/** An envelope with one frame, whose fields are written by hand. */
function frameBytes(write: (writer: BinaryWriter) => void): Uint8Array {
  const frame = new BinaryWriter();
  write(frame);
  return envelope(new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(frame.finish()).finish());
}

async function works(): Promise<void> {
  raw.say({ body: { case: "ping", value: {} } });
  await hubs.settle();
  expect(raw.take("pong")).toBeDefined();
  expect(raw.closed).toBe(false);
}

describe("frames", () => {
  test("that a hub does not answer itself come out as they went in, in order", async () => {
    const sent: FrameInit[] = [
      { body: { case: "open", value: { handle: 1 } } },
      { number: 1n, body: { case: "forward", value: { call: 1n, handle: 1, route: "a.b.c", body: Uint8Array.of(1, 2) } } },
      { body: { case: "patch", value: { handle: 1, version: 2n } } },
      { number: 2n, body: { case: "call", value: { call: 2n, route: "d.e.f", envelope: { remainingMs: 50, hops: 3 } } } },
      { number: 3n, body: { case: "push", value: { route: "g", target: { case: "handle", value: 1 } } } },
      { body: { case: "kick", value: { code: "a", reason: "b" } } },
      { body: { case: "bind", value: { call: 3n, user: "u" } } },
      { body: { case: "write", value: { call: 4n } } },
      { body: { case: "groupChange", value: { call: 5n } } },
      { body: { case: "groupQuery", value: { call: 6n } } },
      { body: { case: "interest", value: { epoch: 1n, snapshot: true } } },
      { body: { case: "cancel", value: { call: 1n } } },
      { body: { case: "synced", value: {} } },
      { body: { case: "end", value: { handle: 1, call: 7n } } },
    ];
    for (const frame of sent.slice(0, 5)) raw.say(frame);
    raw.say(...sent.slice(5));
    await hubs.settle();
    const expected = sent.map((frame) => create(FrameSchema, frame).body);
    expect(one.frames.map(({ body }) => body)).toEqual(expected);

    // And the same the other way, many in one envelope.
    const [link] = one.opened;
    for (const { body } of one.frames) link?.send(body);
    await hubs.settle();
    expect(raw.frames.map(({ body }) => body)).toEqual(expected);
  });

  test("of later versions, and fields of later versions, are skipped; what rides on them counts", async () => {
    raw.sayBytes(
      frameBytes((frame) => {
        frame.tag(1, WireType.Varint).uint64(64n);
        frame.tag(4, WireType.Varint).uint32(8);
        frame.tag(99, WireType.LengthDelimited).bytes(Uint8Array.of(1, 2, 3));
      }),
    );
    await hubs.settle();
    expect(one.opened[0]?.load).toBe(7);
    // A batch of data frames is acknowledged.
    expect(raw.frames).toMatchObject([{ ack: 64n, body: { case: undefined } }]);
    raw.frames.length = 0;
    raw.sayBytes(
      frameBytes((frame) => {
        frame.tag(32, WireType.LengthDelimited).bytes(new BinaryWriter().tag(7, WireType.Varint).uint32(1).finish());
        frame.tag(9, WireType.Varint).uint32(1);
      }),
    );
    await hubs.settle();
    expect(raw.take("pong")).toBeDefined();
    // Fields beside the frames.
    raw.sayBytes(envelope(new BinaryWriter().tag(2, WireType.LengthDelimited).string("later").finish()));
    await works();
    expect(one.frames).toEqual([]);
  });

  test("of chunks, credit and acks do nothing yet, and harm nothing", async () => {
    raw.say(
      { body: { case: "chunk", value: { stream: 1n, piece: new Uint8Array(1_000), last: false } } },
      { credit: 1n },
      { credit: 0xffff_ffff_ffff_ffffn, ack: 0xffff_ffff_ffff_ffffn },
      { ack: 9n },
      {},
    );
    await works();
    expect(one.frames).toEqual([]);
    // Credit of a byte holds up nothing, as long as nobody counts it.
    one.opened[0]?.sendData({ case: "call", value: create(CallSchema, { call: 1n }) });
    await hubs.settle();
    expect(raw.take("call")).toBeDefined();
  });

  test("of data are numbered from 1, and acknowledged with the next frame, after 64, or within half a second", async () => {
    const [link] = one.opened;
    for (let call = 1n; call <= 3n; call++) link?.sendData({ case: "call", value: create(CallSchema, { call }) });
    link?.send({ case: "interest", value: create(InterestSchema, { epoch: 1n, snapshot: true }) });
    await hubs.settle();
    expect(raw.frames.map(({ number }) => number)).toEqual([1n, 2n, 3n, 0n]);
    raw.frames.length = 0;

    raw.say({ number: 1n, body: { case: "push", value: {} } });
    await hubs.settle();
    expect(raw.frames).toEqual([]);
    await hubs.advance(500);
    expect(raw.frames).toMatchObject([{ ack: 1n, body: { case: undefined } }]);
    raw.say({ number: 2n, body: { case: "push", value: {} } });
    await works();
    raw.frames.length = 0;
    const batch = Array.from(
      { length: 64 },
      (_, at): FrameInit => ({ number: BigInt(at + 3), body: { case: "push", value: {} } }),
    );
    raw.say(...batch);
    await hubs.settle();
    expect(raw.frames).toMatchObject([{ ack: 66n }]);
  });

  test("of any length carry what rides on the last of a turn", async () => {
    const [link] = one.opened;
    // Where the length of a frame, or of what it carries, takes one byte more.
    const lengths = [...Array(140).keys(), ...Array.from({ length: 60 }, (_none, at) => 16_340 + at)];
    let number = 0n;
    for (const length of lengths) {
      raw.say({ number: ++number, body: { case: "push", value: {} } });
      await hubs.settle();
      raw.frames.length = 0;
      const body = new Uint8Array(length).fill(7);
      link?.answer(1n, { case: "body", value: body });
      link?.sendData({ case: "call", value: create(CallSchema, { call: number, body }) });
      await hubs.settle();
      expect(raw.frames).toMatchObject([
        { ack: 0n, load: 0, body: { case: "answer", value: { outcome: { value: body } } } },
        { number, ack: number, load: 1, body: { case: "call", value: { call: number, body } } },
      ]);
    }
  });

  test("of many in one turn the first leave while the others are made; of few all together", async () => {
    const [link] = one.opened;
    const envelopesOf = async (count: number): Promise<number> => {
      const before = raw.envelopes;
      raw.frames.length = 0;
      for (let call = 1n; call <= count; call++) {
        if (call % 2n === 0n) link?.answer(call, { case: "body", value: new Uint8Array(9) });
        else link?.sendData({ case: "call", value: create(CallSchema, { call }) });
      }
      await hubs.settle();
      const calls = raw.frames.map(({ body: { value } }) => (value && "call" in value ? value.call : 0n));
      expect(calls).toEqual(Array.from({ length: count }, (_, at) => BigInt(at + 1)));
      return raw.envelopes - before;
    };
    expect(await envelopesOf(31)).toBe(1);
    expect(await envelopesOf(64)).toBe(2);
    expect(await envelopesOf(70)).toBe(3);
    // A turn as large as the last leaves in quarters.
    expect(await envelopesOf(1_000)).toBe(Math.ceil(1_000 / 32));
    expect(await envelopesOf(1_000)).toBe(4);
    expect(await envelopesOf(10)).toBe(1);
    expect(await envelopesOf(64)).toBe(2);
  });

  test("of one turn leave in one envelope; those that do not fit in more", async () => {
    const [link] = one.opened;
    const before = link?.counters.bytesOut ?? 0;
    const body = new Uint8Array(100_000);
    for (let call = 1n; call <= 5n; call++) link?.sendData({ case: "call", value: create(CallSchema, { call, body }) });
    await hubs.settle();
    expect(raw.frames.map((frame) => frame.number)).toEqual([1n, 2n, 3n, 4n, 5n]);
    const frames = toBinary(LinkRequestSchema, create(LinkRequestSchema, { frames: raw.frames })).length;
    expect((link?.counters.bytesOut ?? 0) - before).toBe(frames + 3 * 5);
  });
});

describe("a frame as large as can be", () => {
  /** A call whose frame has so many bytes on the link. */
  function callOf(bytes: number): { readonly case: "call"; readonly value: ReturnType<typeof callWith> } {
    let body = bytes;
    const size = (): number => {
      const frame = create(FrameSchema, { number: 1n, load: 1, body: { case: "call", value: callWith(body) } });
      return toBinary(LinkRequestSchema, create(LinkRequestSchema, { frames: [frame] })).length;
    };
    while (size() > bytes) body--;
    expect(size()).toBe(bytes);
    return { case: "call", value: callWith(body) };
  }

  function callWith(length: number) {
    return create(CallSchema, { call: 1n, body: new Uint8Array(length) });
  }

  test("passes; one byte more is refused where it is sent, and costs nothing else", async () => {
    const [link] = one.opened;
    expect(() => link?.sendData(callOf(maxEnvelopeBytes + 1))).toThrow(
      expect.objectContaining({ code: "resource_exhausted", message: "the frame is larger than the link carries" }),
    );
    expect(link?.counters.refused).toBe(1);
    // With room for what may stand around it.
    link?.sendData(callOf(maxEnvelopeBytes - 48));
    await hubs.settle();
    expect(raw.take("call").body.length).toBeGreaterThan(maxEnvelopeBytes - 96);
    await works();
  });

  test("is taken; an envelope one byte larger ends the link, with the reason", async () => {
    const frame = create(FrameSchema, { number: 1n, load: 1, body: callOf(maxEnvelopeBytes) });
    raw.say(frame);
    await hubs.settle();
    expect(one.frames).toHaveLength(1);
    raw.say(create(FrameSchema, { number: 1n, load: 1, body: callOf(maxEnvelopeBytes + 1) }));
    await hubs.settle();
    expect(one.frames).toHaveLength(1);
    expect(raw.take("goodbye")).toMatchObject({ code: "resource_exhausted" });
    expect(raw.closed).toBe(true);
  });

  test("an answer over the limit becomes an error that says so", async () => {
    const [link] = one.opened;
    link?.answer(5n, { case: "body", value: new Uint8Array(maxEnvelopeBytes) });
    await hubs.settle();
    expect(raw.take("answer")).toMatchObject({ call: 5n, outcome: { case: "error", value: { code: "resource_exhausted" } } });
    await works();
  });
});

describe("answers", () => {
  const outcomes: [string, unknown][] = [];
  const note = (call: string) => (outcome: Outcome | NanoError) =>
    void outcomes.push([call, outcome instanceof NanoError ? outcome.code : outcome.case]);

  beforeEach(() => {
    outcomes.length = 0;
  });

  test("find their calls in any order; late, twice, or of nobody they are counted and dropped", async () => {
    const [link] = one.opened;
    const first = link?.expect(1_000, note("first")) ?? 0n;
    const second = link?.expect(1_000, note("second")) ?? 0n;
    const third = link?.expect(1_000, note("third")) ?? 0n;
    expect(new Set([first, second, third]).size).toBe(3);
    const error = toWireError(new NanoError({ code: "not_found", message: "no" }));
    raw.say(
      { body: { case: "answer", value: { call: second, outcome: { case: "bound", value: { former: "none" } } } } },
      { body: { case: "answer", value: { call: first, outcome: { case: "error", value: error } } } },
      { body: { case: "answer", value: { call: first, outcome: { case: "body", value: new Uint8Array(1) } } } },
      { body: { case: "answer", value: { call: 999n, outcome: { case: "written", value: true } } } },
      { body: { case: "answer", value: { call: 0n } } },
      { body: { case: "answer", value: { call: third } } },
    );
    await works();
    expect(outcomes).toEqual([
      ["second", "bound"],
      ["first", "not_found"],
      ["third", "unavailable"],
    ]);
    expect(link?.counters.late).toBe(3);
  });

  test("with a code that is none are unknown", async () => {
    one.opened[0]?.expect(1_000, note("only"));
    raw.say({ body: { case: "answer", value: { call: 1n, outcome: { case: "error", value: { code: "odd", msg: "no" } } } } });
    await hubs.settle();
    expect(outcomes).toEqual([["only", "unknown"]]);
  });
});

describe("a peer that speaks nonsense", () => {
  const frames: fc.Arbitrary<FrameInit> = fc.oneof(
    fc.record({ number: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), ack: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) }),
    fc.record({ load: fc.nat(2 ** 32 - 1), credit: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) }),
    fc.uint8Array({ maxLength: 20 }).map(
      (body): FrameInit => ({
        body: { case: "forward", value: create(ForwardSchema, { call: 1n, handle: 3, route: "a.b.c", body }) },
      }),
    ),
    fc.uint8Array({ maxLength: 20 }).map(
      (fields): FrameInit => ({
        body: { case: "patch", value: create(PatchSchema, { handle: 1, data: { type: "t", fields } }) },
      }),
    ),
    fc.nat(5).map((call): FrameInit => ({ body: { case: "answer", value: create(AnswerSchema, { call: BigInt(call) }) } })),
    fc.string({ maxLength: 9 }).map(
      (route): FrameInit => ({
        number: 1n,
        body: { case: "push", value: create(PushSchema, { route }) },
      }),
    ),
  );
  const wellFormed = fc
    .array(frames, { minLength: 1, maxLength: 5 })
    .map((all) => envelope(toBinary(LinkRequestSchema, create(LinkRequestSchema, { frames: all }))));
  const mutated = fc
    .tuple(wellFormed, fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { minLength: 1, maxLength: 4 }))
    .map(([bytes, changes]) => {
      const changed = bytes.slice();
      for (const [at, value] of changes) changed[at % changed.length] = value;
      return changed;
    });
  const noise = fc.uint8Array({ minLength: 1, maxLength: 60 }).map((body) => envelope(body));
  const declared = ["invalid_argument", "failed_precondition", "resource_exhausted", "unimplemented"];

  test("is read, or told why the link ends; nobody else notices", async () => {
    let incarnation = 1_000n;
    const seen = { read: 0, ended: 0 };
    await fc.assert(
      fc.asyncProperty(fc.oneof(wellFormed, mutated, noise, fc.uint8Array({ maxLength: 40 })), fc.nat(100), async (bytes, at) => {
        const nasty = await open(incarnation++);
        const cut = at % (bytes.length + 1);
        nasty.sayBytes(bytes.slice(0, cut));
        nasty.sayBytes(bytes.slice(cut));
        await hubs.settle();
        if (nasty.closed) {
          seen.ended++;
          // A goodbye among the bytes ends it as well; then there is nothing to tell.
          if (nasty.kinds.includes("goodbye")) expect(declared).toContain(nasty.take("goodbye").code);
        } else seen.read++;
        nasty.stream?.destroy();
        await hubs.settle();
        await works();
      }),
      { numRuns: 300 },
    );
    expect(seen.read).toBeGreaterThan(50);
    expect(seen.ended).toBeGreaterThan(50);
    expect([...one.hub.links()]).toHaveLength(1);
  });

  test("ends what it had under way, at once", async () => {
    const settled: string[] = [];
    one.opened[0]?.expect(60_000, (outcome) => settled.push(outcome instanceof NanoError ? outcome.code : "answered"));
    raw.sayBytes(envelope(Uint8Array.of(0xff, 0xff)));
    await hubs.settle();
    expect(settled).toEqual(["unavailable"]);
    expect(raw.take("goodbye")).toMatchObject({ code: "invalid_argument", reason: "what came is no frame" });
    expect(one.closed).toMatchObject([{ error: { code: "invalid_argument" } }]);
  });

  test("or says goodbye, and is not heard any more", async () => {
    const ping: FrameInit = { number: 1n, body: { case: "push", value: {} } };
    raw.say({ body: { case: "goodbye", value: { reason: "going" } } }, ping);
    raw.say(ping);
    await hubs.settle();
    expect(one.frames).toEqual([]);
    expect(one.closed).toMatchObject([{ error: { code: "unavailable", message: "going" } }]);
    expect(raw.closed).toBe(true);
  });

  test("in the last envelope of a Connect stream is not heard", async () => {
    const ping = toBinary(
      LinkRequestSchema,
      create(LinkRequestSchema, { frames: [{ body: { case: "ping", value: {} } } as Frame] }),
    );
    raw.sayBytes(envelope(ping, 0x02));
    await hubs.settle();
    expect(raw.frames).toEqual([]);
    await works();
  });
});
