import { envelopeHeaderBytes, maxEnvelopeBytes, writeEnvelopeHeader } from "./envelope.ts";
import { ackTag, framesTag, loadTag, numberTag, type Rider } from "./frame.ts";
import { numberField, varintBytes, writeVarint } from "./wire-writer.ts";

/** A frame that is written next. */
export interface Ready {
  /** A Frame in protobuf, with nothing but its body. */
  readonly bytes: Uint8Array;
  /** 0 where it is no data frame. */
  readonly number: number;
}

/** What may stand around a frame's body in an envelope. */
const mostAround = 48;

/** The largest frame that goes in one piece. */
export const maxWholeBytes = maxEnvelopeBytes - mostAround;

/**
 * Lays frames behind each other in envelopes.
 *
 * @param rider What the last of them says beside: whoever reads it has read the others.
 */
export function layBatch(frames: readonly Ready[], rider: Rider): Uint8Array {
  const last = frames.length - 1;
  const riderBytes = numberField(rider.ack) + numberField(rider.load);
  let most = 0;
  for (const { bytes } of frames) most += bytes.length + mostAround;
  const target = new Uint8Array(most);
  let at = 0;
  let envelopeAt = -1;
  for (let index = 0; index <= last; index++) {
    const frame = frames[index];
    if (!frame) continue;
    const headBytes = numberField(frame.number) + (index === last ? riderBytes : 0);
    const inner = headBytes + frame.bytes.length;
    if (envelopeAt < 0 || at - envelopeAt - envelopeHeaderBytes + 1 + varintBytes(inner) + inner > maxEnvelopeBytes) {
      if (envelopeAt >= 0) writeEnvelopeHeader(target, envelopeAt, 0, at - envelopeAt - envelopeHeaderBytes);
      envelopeAt = at;
      at += envelopeHeaderBytes;
    }
    target[at++] = framesTag;
    at = writeVarint(target, at, inner);
    at = writeField(target, at, numberTag, frame.number);
    if (index === last) {
      at = writeField(target, at, ackTag, rider.ack);
      at = writeField(target, at, loadTag, rider.load);
    }
    target.set(frame.bytes, at);
    at += frame.bytes.length;
  }
  if (envelopeAt >= 0) writeEnvelopeHeader(target, envelopeAt, 0, at - envelopeAt - envelopeHeaderBytes);
  return target.subarray(0, at);
}

function writeField(target: Uint8Array, at: number, tag: number, value: number): number {
  if (value === 0) return at;
  target[at] = tag;
  return writeVarint(target, at + 1, value);
}
