import { create, type Message } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import { type Any, AnySchema, anyUnpack } from "@bufbuild/protobuf/wkt";
import { ErrorSchema, type Error as WireError } from "../../gen/nano/client/v1/client_pb.ts";
import { isCode } from "./code.ts";
import { NanoError } from "./nano-error.ts";

/** Whether something caught was meant for callers: a NanoError with one of the sixteen codes. */
export function isPublic(reason: unknown): reason is NanoError {
  return reason instanceof NanoError && isCode(reason.code);
}

/** What may be shown of anything caught: what was meant for callers as it is; of everything else only that it happened. */
export function publicError(reason: unknown): NanoError {
  if (isPublic(reason)) return reason;
  return new NanoError({ code: "internal", message: "internal error", cause: reason });
}

/** An error as it travels: with its detail, where that is packed. */
export function toWireError(error: NanoError): WireError {
  const detail = error.detail && isAny(error.detail) ? error.detail : undefined;
  return create(ErrorSchema, {
    code: error.code,
    msg: error.message,
    metadata: { ...error.metadata },
    details: detail ? [detail] : [],
  });
}

/** An error that came. Its detail stays packed: only who knows the schema can read it. A code that is none is `unknown`. */
export function fromWireError(wire: WireError): NanoError {
  const { code, msg: message, metadata } = wire;
  const detail = wire.details[0];
  if (isCode(code)) return new NanoError({ code, message, metadata, detail });
  return new NanoError({ code: "unknown", message, metadata: { ...metadata, code }, detail });
}

/** A packed detail as the message of a schema; undefined where it is another, or malformed. */
export function unpackDetail<M extends Message>(detail: Message | undefined, schema: GenMessage<M>): M | undefined {
  if (!detail) return undefined;
  if (!isAny(detail)) return detail.$typeName === schema.typeName ? (detail as M) : undefined;
  try {
    return anyUnpack(detail, schema) as M | undefined;
  } catch {
    return undefined;
  }
}

function isAny(message: Message): message is Any {
  return message.$typeName === AnySchema.typeName;
}
