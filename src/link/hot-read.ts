import type { Answer, Call, Envelope, Forward, Push } from "../../gen/nano/cluster/v1/link_pb.ts";
import type { FrameBody } from "./link.ts";
import { toBigint } from "./wide.ts";
import type { WireReader } from "./wire-reader.ts";

/**
 * Reads a body that often comes, up to the reader's end: what `encodeHot` writes, and whatever else has no more than that. Undefined where there is more: a
 * field that is not known here, or a message twice. Throws as the reader does.
 *
 * @param field The body's number in a frame.
 */
export function readHot(reader: WireReader, field: number): FrameBody | undefined {
  switch (field) {
    case 22: {
      const value = readForward(reader);
      return value && { case: "forward", value };
    }
    case 23: {
      const value = readCall(reader);
      return value && { case: "call", value };
    }
    case 24: {
      const value = readAnswer(reader);
      return value && { case: "answer", value };
    }
    case 26: {
      const value = readPush(reader);
      return value && { case: "push", value };
    }
    default:
      return undefined;
  }
}

function readForward(reader: WireReader): Forward | undefined {
  let call = 0;
  let handle = 0;
  let route = "";
  let body = nothing;
  let notify = false;
  let version = 0;
  let envelope: Envelope | undefined;
  while (reader.more) {
    switch (reader.varint()) {
      case 0x08:
        call = reader.varint();
        break;
      case 0x10:
        handle = reader.varint();
        break;
      case 0x1a:
        route = reader.text();
        break;
      case 0x22:
        body = reader.blob();
        break;
      case 0x28:
        notify = reader.varint() !== 0;
        break;
      case 0x32:
        if (envelope) return undefined;
        envelope = readEnvelope(reader);
        if (!envelope) return undefined;
        break;
      case 0x38:
        version = reader.varint();
        break;
      default:
        return undefined;
    }
  }
  if (!isExact(call) || !isExact(version) || !isShort(handle)) return undefined;
  return {
    $typeName: "nano.cluster.v1.Forward",
    call: toBigint(call),
    handle,
    route,
    body,
    notify,
    envelope,
    version: toBigint(version),
  };
}

function readCall(reader: WireReader): Call | undefined {
  let call = 0;
  let route = "";
  let body = nothing;
  let envelope: Envelope | undefined;
  while (reader.more) {
    switch (reader.varint()) {
      case 0x08:
        call = reader.varint();
        break;
      case 0x12:
        route = reader.text();
        break;
      case 0x1a:
        body = reader.blob();
        break;
      case 0x22:
        if (envelope) return undefined;
        envelope = readEnvelope(reader);
        if (!envelope) return undefined;
        break;
      default:
        return undefined;
    }
  }
  if (!isExact(call)) return undefined;
  return { $typeName: "nano.cluster.v1.Call", call: toBigint(call), route, body, envelope };
}

function readAnswer(reader: WireReader): Answer | undefined {
  let call = 0;
  let body: Uint8Array | undefined;
  while (reader.more) {
    switch (reader.varint()) {
      case 0x08:
        call = reader.varint();
        break;
      case 0x12:
        body = reader.blob();
        break;
      default:
        return undefined;
    }
  }
  if (!body || !isExact(call)) return undefined;
  return { $typeName: "nano.cluster.v1.Answer", call: toBigint(call), outcome: { case: "body", value: body } };
}

function readPush(reader: WireReader): Push | undefined {
  let route = "";
  let body = nothing;
  let delivery = "";
  let call = 0;
  let handle = -1;
  let traceparent = "";
  let tracestate = "";
  while (reader.more) {
    switch (reader.varint()) {
      case 0x0a:
        route = reader.text();
        break;
      case 0x12:
        body = reader.blob();
        break;
      case 0x1a:
        delivery = reader.text();
        break;
      case 0x20:
        handle = reader.varint();
        break;
      case 0x48:
        call = reader.varint();
        break;
      case 0x5a:
        traceparent = reader.text();
        break;
      case 0x62:
        tracestate = reader.text();
        break;
      default:
        return undefined;
    }
  }
  if (handle < 0 || !isShort(handle) || !isExact(call)) return undefined;
  const target = { case: "handle", value: handle } as const;
  return {
    $typeName: "nano.cluster.v1.Push",
    ...{ route, body, delivery, target, except: [], call: toBigint(call), number: 0n },
    ...{ traceparent, tracestate },
  };
}

function readEnvelope(reader: WireReader): Envelope | undefined {
  const outer = reader.enter();
  let remainingMs = 0;
  let hops = 0;
  let traceparent = "";
  let tracestate = "";
  let attempt = 0;
  while (reader.more) {
    switch (reader.varint()) {
      case 0x08:
        remainingMs = reader.varint();
        break;
      case 0x10:
        hops = reader.varint();
        break;
      case 0x1a:
        traceparent = reader.text();
        break;
      case 0x22:
        tracestate = reader.text();
        break;
      case 0x28:
        attempt = reader.varint();
        break;
      default:
        return undefined;
    }
  }
  reader.leave(outer);
  if (!isShort(remainingMs) || !isShort(hops) || !isShort(attempt)) return undefined;
  return { $typeName: "nano.cluster.v1.Envelope", remainingMs, hops, traceparent, tracestate, attempt };
}

const nothing: Uint8Array = new Uint8Array(0);

// Larger numbers are cut, or bigger than a number can be: the descriptors know how.
const isExact = (number: number): boolean => number <= Number.MAX_SAFE_INTEGER;
const isShort = (number: number): boolean => number <= 0xffff_ffff;
