import type { Answer, Call, Envelope, Forward, Push } from "../../gen/nano/cluster/v1/link_pb.ts";
import type { FrameBody } from "./link.ts";
import { toNumber } from "./wide.ts";
import {
  bytesField,
  isAscii,
  messageField,
  numberField,
  varintBytes,
  writeBlob,
  writeHead,
  writeNumber,
  writeText,
  writeVarint,
} from "./wire-writer.ts";

// Most of what links carry: forwards, calls, answers with a body, pushes to one session. Written and read by descriptors they would be nine tenths
// of a link's time. Whatever is odd about one is left to the descriptors, which know all of it.

/** A body that is often sent, as a Frame with nothing else. Undefined: by its descriptor. */
export function encodeHot(body: FrameBody): Uint8Array | undefined {
  const length = hotLength(body);
  if (length < 0) return undefined;
  // Out of node's pool: small arrays of their own would take longer than what is written.
  const bytes = Buffer.allocUnsafe(hotFrameBytes(length));
  writeHot(bytes, 0, body, length);
  return bytes;
}

/** How many bytes the message of a body takes that is often sent; below 0: it is to be written by its descriptor. */
export function hotLength(body: FrameBody): number {
  switch (body.case) {
    case "forward":
      return forwardLength(body.value);
    case "call":
      return callLength(body.value);
    case "answer":
      return answerLength(body.value);
    case "push":
      return pushLength(body.value);
    default:
      return -1;
  }
}

/** How many bytes it takes as a Frame with nothing else. */
export function hotFrameBytes(length: number): number {
  return 2 + varintBytes(length) + length;
}

/** Writes a body that is often sent, and gives where it ends. @param length As `hotLength` gave it. */
export function writeHot(target: Uint8Array, at: number, body: FrameBody, length: number): number {
  switch (body.case) {
    case "forward":
      return writeForward(target, begin(target, at, forwardTag, length), body.value);
    case "call":
      return writeCall(target, begin(target, at, callTag, length), body.value);
    case "answer":
      return writeAnswer(target, begin(target, at, answerTag, length), body.value);
    case "push":
      return writePush(target, begin(target, at, pushTag, length), body.value);
    default:
      return at;
  }
}

// A field's number times 8, and 2 where it has a length. In a frame the numbers of bodies are over 15, and take two bytes.
const [callTag, answerTag, forwardTag, pushTag] = [23 * 8 + 2, 24 * 8 + 2, 22 * 8 + 2, 26 * 8 + 2];

function begin(target: Uint8Array, at: number, tag: number, length: number): number {
  return writeVarint(target, writeVarint(target, at, tag), length);
}

function forwardLength({ call, handle, route, body, notify, envelope, version }: Forward): number {
  const [number, ofSession] = [toNumber(call), toNumber(version)];
  if (!isAscii(route) || !isPlain(envelope) || !isExact(number) || !isExact(ofSession)) return -1;
  return (
    numberField(number) +
    numberField(handle) +
    bytesField(route.length) +
    bytesField(body.length) +
    (notify ? 2 : 0) +
    (envelope ? messageField(envelopeLength(envelope)) : 0) +
    numberField(ofSession)
  );
}

function writeForward(target: Uint8Array, from: number, forward: Forward): number {
  const { envelope } = forward;
  let at = writeNumber(target, from, 0x08, toNumber(forward.call));
  at = writeNumber(target, at, 0x10, forward.handle);
  at = writeText(target, at, 0x1a, forward.route);
  at = writeBlob(target, at, 0x22, forward.body);
  at = writeNumber(target, at, 0x28, forward.notify ? 1 : 0);
  if (envelope) at = writeEnvelope(target, at, 0x32, envelope);
  return writeNumber(target, at, 0x38, toNumber(forward.version));
}

function callLength({ call, route, body, envelope }: Call): number {
  const number = toNumber(call);
  if (!isAscii(route) || !isPlain(envelope) || !isExact(number)) return -1;
  const around = envelope ? messageField(envelopeLength(envelope)) : 0;
  return numberField(number) + bytesField(route.length) + bytesField(body.length) + around;
}

function writeCall(target: Uint8Array, from: number, { call, route, body, envelope }: Call): number {
  let at = writeNumber(target, from, 0x08, toNumber(call));
  at = writeText(target, at, 0x12, route);
  at = writeBlob(target, at, 0x1a, body);
  return envelope ? writeEnvelope(target, at, 0x22, envelope) : at;
}

function answerLength({ call, outcome }: Answer): number {
  const number = toNumber(call);
  return outcome.case === "body" && isExact(number) ? numberField(number) + messageField(outcome.value.length) : -1;
}

function writeAnswer(target: Uint8Array, from: number, { call, outcome }: Answer): number {
  const at = writeNumber(target, from, 0x08, toNumber(call));
  if (outcome.case !== "body") return at;
  // Of several outcomes the one that is there is written, empty or not.
  return outcome.value.length === 0 ? writeHead(target, at, 0x12, 0) : writeBlob(target, at, 0x12, outcome.value);
}

function pushLength(push: Push): number {
  const { route, body, delivery, target, except, call, number: ofGroup, traceparent, tracestate } = push;
  const number = toNumber(call);
  if (
    target.case !== "handle" ||
    ofGroup !== 0n ||
    except.length > 0 ||
    !isExact(number) ||
    !isAscii(route) ||
    !isAscii(delivery) ||
    !isAscii(traceparent) ||
    !isAscii(tracestate)
  )
    return -1;
  const place = bytesField(traceparent.length) + bytesField(tracestate.length);
  const around = bytesField(route.length) + bytesField(delivery.length) + 1 + varintBytes(target.value) + place;
  return around + bytesField(body.length) + numberField(number);
}

function writePush(target: Uint8Array, from: number, push: Push): number {
  let at = writeText(target, from, 0x0a, push.route);
  at = writeBlob(target, at, 0x12, push.body);
  at = writeText(target, at, 0x1a, push.delivery);
  if (push.target.case === "handle") at = writeHead(target, at, 0x20, push.target.value);
  at = writeNumber(target, at, 0x48, toNumber(push.call));
  at = writeText(target, at, 0x5a, push.traceparent);
  return writeText(target, at, 0x62, push.tracestate);
}

function isPlain(envelope: Envelope | undefined): boolean {
  return !envelope || (isAscii(envelope.traceparent) && isAscii(envelope.tracestate));
}

function envelopeLength({ remainingMs, hops, traceparent, tracestate, attempt }: Envelope): number {
  return (
    numberField(remainingMs) +
    numberField(hops) +
    bytesField(traceparent.length) +
    bytesField(tracestate.length) +
    numberField(attempt)
  );
}

function writeEnvelope(target: Uint8Array, from: number, tag: number, envelope: Envelope): number {
  let at = writeHead(target, from, tag, envelopeLength(envelope));
  at = writeNumber(target, at, 0x08, envelope.remainingMs);
  at = writeNumber(target, at, 0x10, envelope.hops);
  at = writeText(target, at, 0x1a, envelope.traceparent);
  at = writeText(target, at, 0x22, envelope.tracestate);
  return writeNumber(target, at, 0x28, envelope.attempt);
}

function isExact(number: number): boolean {
  return number >= 0 && number <= Number.MAX_SAFE_INTEGER;
}
