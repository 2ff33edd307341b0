import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  AnswerSchema,
  CallSchema,
  ForwardSchema,
  type Frame,
  FrameSchema,
  PushSchema,
} from "../../gen/nano/cluster/v1/link_pb.ts";
import { encodeBody, readWhole } from "../../src/link/frame.ts";
import { encodeHot } from "../../src/link/hot-encode.ts";
import type { FrameBody } from "../../src/link/index.ts";
import { varintBytes } from "../../src/link/wire-writer.ts";

const short = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 0xffff_ffff }));
const call = fc.oneof(short.map(BigInt), fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }));
const text = fc.oneof(fc.constantFrom("", "a.b.c"), fc.string({ unit: "grapheme", maxLength: 200 }));
const bytes = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ minLength: 120, maxLength: 20_000, size: "max" }));
const envelope = fc.option(fc.record({ remainingMs: short, hops: short, traceparent: text, tracestate: text, attempt: short }), {
  nil: undefined,
});
const target = fc.oneof(
  short.map((value) => ({ case: "handle", value }) as const),
  text.map((name) => ({ case: "group", value: { type: "t", name } }) as const),
  fc.constant({ case: undefined }),
);
const outcome = fc.oneof(
  bytes.map((value) => ({ case: "body", value }) as const),
  fc.boolean().map((value) => ({ case: "written", value }) as const),
  text.map((msg) => ({ case: "error", value: { code: "internal", msg } }) as const),
);

type BodyInit = NonNullable<MessageInitShape<typeof FrameSchema>["body"]>;

const body: fc.Arbitrary<FrameBody> = fc
  .oneof(
    fc
      .record({ call, handle: short, route: text, body: bytes, notify: fc.boolean(), envelope, version: call })
      .map((value) => ({ case: "forward", value: create(ForwardSchema, value) }) satisfies BodyInit),
    fc
      .record({ call, route: text, body: bytes, envelope })
      .map((value) => ({ case: "call", value: create(CallSchema, value) }) satisfies BodyInit),
    fc.record({ call, outcome }).map((value) => ({ case: "answer", value: create(AnswerSchema, value) }) satisfies BodyInit),
    fc
      .record({
        route: text,
        body: bytes,
        delivery: text,
        target,
        except: fc.array(bytes, { maxLength: 1 }),
        call,
        number: fc.constantFrom(0n, 7n),
        traceparent: text,
        tracestate: text,
      })
      .map((value) => ({ case: "push", value: create(PushSchema, value) }) satisfies BodyInit),
  )
  .map((one) => one as FrameBody);

const plain = (frame: FrameBody): Uint8Array => toBinary(FrameSchema, create(FrameSchema, { body: frame }));

/** What protobuf-es makes of bytes; undefined where they are nothing. */
function byDescriptor(from: Uint8Array): Frame["body"] | undefined {
  try {
    return fromBinary(FrameSchema, from).body;
  } catch {
    return undefined;
  }
}

function read(from: Uint8Array): FrameBody | undefined {
  try {
    return readWhole(from).body;
  } catch {
    return undefined;
  }
}

describe("forwards, calls, answers and pushes", () => {
  test("are the bytes that protobuf-es would write, and are read as it would", () => {
    fc.assert(
      fc.property(body, (one) => {
        expect(Buffer.compare(encodeBody(one), plain(one))).toBe(0);
        expect(readWhole(plain(one)).body).toEqual(one);
      }),
      { numRuns: 300 },
    );
  });

  test("are written by hand where nothing is odd about them", () => {
    const around = { remainingMs: 5_000, hops: 1, traceparent: "00-ab-cd-01", tracestate: "", attempt: 0 };
    const usual: FrameBody[] = [
      { case: "forward", value: create(ForwardSchema, { call: 2n ** 40n, handle: 7, route: "a.b.c", envelope: around }) },
      { case: "call", value: create(CallSchema, { call: 1n, route: "a.b.c", body: new Uint8Array(70_000) }) },
      { case: "answer", value: create(AnswerSchema, { call: 1n, outcome: { case: "body", value: new Uint8Array(0) } }) },
      { case: "push", value: create(PushSchema, { route: "a.b.c", delivery: "latest", target: { case: "handle", value: 300 } }) },
    ];
    for (const one of usual) expect(encodeHot(one)).toEqual(Buffer.from(plain(one)));
  });

  test("are read as protobuf-es would whatever stands in them, or refused", () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 });
    // Behind the tag and the length: how frames are read is another matter.
    const broken = fc.tuple(body.map(plain), changes).map(([from, changed]) => {
      const head = 2 + varintBytes(from.length);
      for (const [at, value] of changed) if (from.length > head) from[head + (at % Math.min(from.length - head, 60))] = value;
      return from;
    });
    fc.assert(
      fc.property(broken, (from) => {
        const own = read(from);
        // It takes what ends beyond the message that it stands in; here nothing may.
        if (own) expect(own).toEqual(byDescriptor(from));
      }),
      { numRuns: 2_000 },
    );
  });
});
