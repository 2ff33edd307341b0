import type { Answer, Call, Envelope, Forward, Push } from "../../gen/nano/cluster/v1/link_pb.ts";
import type { FrameBody } from "./link.ts";
import { bytesField, isAscii, messageField, numberField, varintBytes, WireWriter } from "./wire-writer.ts";

// Most of what links carry: forwards, calls, answers with a body, pushes to one session. Written and read by descriptors they would be nine tenths
// of a link's time. Whatever is odd about one is left to the descriptors, which know all of it.

/** A body that is often sent, as a Frame with nothing else. Undefined: by its descriptor. */
export function encodeHot(body: FrameBody): Uint8Array | undefined {
  switch (body.case) {
    case "forward":
      return encodeForward(body.value);
    case "call":
      return encodeCall(body.value);
    case "answer":
      return encodeAnswer(body.value);
    case "push":
      return encodePush(body.value);
    default:
      return undefined;
  }
}

// A field's number times 8, and 2 where it has a length. In a frame the numbers of bodies are over 15, and take two bytes.
const [callTag, answerTag, forwardTag, pushTag] = [23 * 8 + 2, 24 * 8 + 2, 22 * 8 + 2, 26 * 8 + 2];

function encodeForward({ call, handle, route, body, notify, envelope, version }: Forward): Uint8Array | undefined {
  const [number, ofSession] = [Number(call), Number(version)];
  const around = envelopeBytes(envelope);
  if (!isAscii(route) || around < 0 || !isExact(number) || !isExact(ofSession)) return undefined;
  const length =
    numberField(number) +
    numberField(handle) +
    bytesField(route.length) +
    bytesField(body.length) +
    (notify ? 2 : 0) +
    (envelope ? messageField(around) : 0) +
    numberField(ofSession);
  const writer = begin(forwardTag, length);
  writer.number(0x08, number);
  writer.number(0x10, handle);
  writer.text(0x1a, route);
  writer.blob(0x22, body);
  writer.number(0x28, notify ? 1 : 0);
  if (envelope) writeEnvelope(writer, 0x32, envelope, around);
  writer.number(0x38, ofSession);
  return writer.bytes;
}

function encodeCall({ call, route, body, envelope }: Call): Uint8Array | undefined {
  const number = Number(call);
  const around = envelopeBytes(envelope);
  if (!isAscii(route) || around < 0 || !isExact(number)) return undefined;
  const length = numberField(number) + bytesField(route.length) + bytesField(body.length) + (envelope ? messageField(around) : 0);
  const writer = begin(callTag, length);
  writer.number(0x08, number);
  writer.text(0x12, route);
  writer.blob(0x1a, body);
  if (envelope) writeEnvelope(writer, 0x22, envelope, around);
  return writer.bytes;
}

function encodeAnswer({ call, outcome }: Answer): Uint8Array | undefined {
  const number = Number(call);
  if (outcome.case !== "body" || !isExact(number)) return undefined;
  // Of several outcomes the one that is there is written, empty or not.
  const writer = begin(answerTag, numberField(number) + messageField(outcome.value.length));
  writer.number(0x08, number);
  if (outcome.value.length === 0) writer.head(0x12, 0);
  else writer.blob(0x12, outcome.value);
  return writer.bytes;
}

function encodePush({ route, body, delivery, target, except, call }: Push): Uint8Array | undefined {
  const number = Number(call);
  if (target.case !== "handle" || except.length > 0 || !isExact(number) || !isAscii(route) || !isAscii(delivery))
    return undefined;
  const length =
    bytesField(route.length) +
    bytesField(body.length) +
    bytesField(delivery.length) +
    1 +
    varintBytes(target.value) +
    numberField(number);
  const writer = begin(pushTag, length);
  writer.text(0x0a, route);
  writer.blob(0x12, body);
  writer.text(0x1a, delivery);
  writer.head(0x20, target.value);
  writer.number(0x48, number);
  return writer.bytes;
}

function begin(tag: number, length: number): WireWriter {
  const writer = new WireWriter(2 + varintBytes(length) + length);
  writer.varint(tag);
  writer.varint(length);
  return writer;
}

/** How many bytes it takes; below 0 where it is odd. */
function envelopeBytes(envelope: Envelope | undefined): number {
  if (!envelope) return 0;
  const { remainingMs, hops, traceparent, tracestate, attempt } = envelope;
  if (!isAscii(traceparent) || !isAscii(tracestate)) return -1;
  return (
    numberField(remainingMs) +
    numberField(hops) +
    bytesField(traceparent.length) +
    bytesField(tracestate.length) +
    numberField(attempt)
  );
}

function writeEnvelope(writer: WireWriter, tag: number, envelope: Envelope, length: number): void {
  writer.head(tag, length);
  writer.number(0x08, envelope.remainingMs);
  writer.number(0x10, envelope.hops);
  writer.text(0x1a, envelope.traceparent);
  writer.text(0x22, envelope.tracestate);
  writer.number(0x28, envelope.attempt);
}

function isExact(number: number): boolean {
  return number >= 0 && number <= Number.MAX_SAFE_INTEGER;
}
