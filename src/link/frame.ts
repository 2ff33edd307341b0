import { create, type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FrameSchema, type Push } from "../../gen/nano/cluster/v1/link_pb.ts";
import { NanoError } from "../error/index.ts";
import type { RouteTexts } from "../message/index.ts";
import { encodeHot } from "./hot-encode.ts";
import { readHot } from "./hot-read.ts";
import type { FrameBody } from "./link.ts";
import type { Order } from "./order.ts";
import { WireReader } from "./wire-reader.ts";

/** A frame on its way out. */
export interface OutFrame {
  /** A Frame in protobuf, with nothing but its body. */
  readonly bytes: Uint8Array;
  /** What it costs of the peer's credit; 0 where it is no data frame. */
  readonly cost: number;
  readonly order: Order;
  /** What it pushes, if it does. */
  readonly push: Push | undefined;
  /** Whether it outlives the stream: sent again until it is acknowledged, or not sent before there is another. */
  readonly kept: boolean;
  /** Of a push that waits, and of which only the newest counts: what an older one must have in common with it. */
  latest: string | undefined;
  /** Given when it is written; 0 before, and for what is no data frame. */
  number: number;
  /** Of what is held, or leaves in pieces: how many frames must have left the outbox before. */
  after: number;
}

/** What the last frame of a batch says beside. 0 says nothing. */
export interface Rider {
  readonly ack: number;
  readonly load: number;
}

/** A frame that came. */
export interface InFrame {
  number: number;
  ack: number;
  credit: number;
  load: number;
  /** Undefined: of a later version, or nothing but its head. */
  body: FrameBody | undefined;
  bodyBytes: number;
}

/** What a data frame of so many bytes costs of the peer's credit: it is an object at both ends as well. */
export function costOf(bytes: number): number {
  return bytes + 32;
}

/** Encodes a frame's body. */
export function encodeBody(body: FrameBody): Uint8Array {
  return encodeHot(body) ?? toBinary(FrameSchema, create(FrameSchema, { body }));
}

/** A forward or a call: counts against the peer's credit. */
export function dataFrame(bytes: Uint8Array, order: Order): OutFrame {
  return outFrame(bytes, order, costOf(bytes.length), undefined, false);
}

/** A push: counts as well. */
export function pushFrame(bytes: Uint8Array, order: Order, push: Push): OutFrame {
  return outFrame(bytes, order, costOf(bytes.length), push, push.delivery !== "droppable");
}

/** A frame outside of credit. */
export function freeFrame(bytes: Uint8Array, order: Order, kept = false): OutFrame {
  return outFrame(bytes, order, 0, undefined, kept);
}

function outFrame(bytes: Uint8Array, order: Order, cost: number, push: Push | undefined, kept: boolean): OutFrame {
  return { bytes, cost, order, push, kept, latest: undefined, number: 0, after: 0 };
}

interface Kind {
  readonly name: string;
  readonly schema: DescMessage;
}

const [bodyOneof] = FrameSchema.oneofs;
// By the numbers of their fields.
const kinds: Kind[] = [];
for (const field of bodyOneof?.fields ?? []) {
  if (field.message) kinds[field.number] = { name: field.localName, schema: field.message };
}

/**
 * Reads a batch: requests and responses of the stream have one shape. The bytes are kept by what is read.
 * Throws NanoError `invalid_argument` where they make no sense, before anything of the batch is taken.
 *
 * @param texts Those that came before.
 */
export function readFrames(batch: Uint8Array, texts?: RouteTexts): InFrame[] {
  try {
    const reader = new WireReader(batch, 0, batch.length, texts);
    const frames: InFrame[] = [];
    while (reader.more) {
      const tag = reader.varint();
      if (tag === framesTag) {
        const outer = reader.enter();
        frames.push(readFrame(reader));
        reader.leave(outer);
      } else reader.skip(tag);
    }
    return frames;
  } catch (reason) {
    throw nonsense(reason);
  }
}

/** Reads one frame, as it was before it was cut in chunks. Throws as `readFrames`. */
export function readWhole(bytes: Uint8Array): InFrame {
  try {
    return readFrame(new WireReader(bytes, 0, bytes.length));
  } catch (reason) {
    throw nonsense(reason);
  }
}

function readFrame(reader: WireReader): InFrame {
  const frame: InFrame = { number: 0, ack: 0, credit: 0, load: 0, body: undefined, bodyBytes: 0 };
  while (reader.more) {
    const tag = reader.varint();
    const kind = tag % 8 === 2 ? kinds[tag >>> 3] : undefined;
    if (kind) {
      const outer = reader.enter();
      frame.bodyBytes = reader.length;
      frame.body = readBody(reader, tag >>> 3, kind);
      reader.leave(outer);
    } else if (tag === numberTag) frame.number = reader.varint();
    else if (tag === ackTag) frame.ack = reader.varint();
    else if (tag === creditTag) frame.credit = reader.varint();
    else if (tag === loadTag) frame.load = reader.varint();
    else reader.skip(tag);
  }
  return frame;
}

function readBody(reader: WireReader, field: number, { name, schema }: Kind): FrameBody {
  const { at, end } = reader;
  const hot = readHot(reader, field);
  if (hot) return hot;
  // It was given up anywhere, also within something else.
  reader.end = end;
  // The kind and its message come from one table.
  return { case: name, value: fromBinary(schema, reader.bytes.subarray(at, end)) } as unknown as FrameBody;
}

/** The tag of `repeated Frame frames = 1`. */
export const framesTag = 0x0a;
export const numberTag = 0x08;
export const ackTag = 0x10;
const creditTag = 0x18;
export const loadTag = 0x20;

function nonsense(cause: unknown): NanoError {
  return new NanoError({ code: "invalid_argument", message: "what came is no frame", cause });
}
