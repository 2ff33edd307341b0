import { create } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import type { ConnectError } from "@connectrpc/connect";
import { codeFromHttpStatus, findTrailerError } from "@connectrpc/connect/protocol-grpc";
import type { Envelope } from "../../gen/nano/cluster/v1/link_pb.ts";
import { codes, NanoError } from "../error/index.ts";
import { envelopeHeaderBytes, writeEnvelopeHeader } from "../link/index.ts";
import type { Http2Answer } from "../net/index.ts";

// What says how an answer was sent, and is none of the error's own.
const ofTheProtocol = /^(:|grpc-|content-|accept-|date$|server$|te$|trailer$)/;

/** A message as gRPC sends it: uncompressed, behind its length. */
export function toGrpc(body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(envelopeHeaderBytes + body.length);
  writeEnvelopeHeader(bytes, 0, 0, body.length);
  bytes.set(body, envelopeHeaderBytes);
  return bytes;
}

/** What every call says of itself. */
export function callHeaders(
  { hops, attempt, traceparent, tracestate }: Pick<Envelope, "hops" | "attempt" | "traceparent" | "tracestate">,
  remainingMs: number,
): Record<string, string> {
  return {
    "content-type": "application/grpc",
    "grpc-timeout": `${Math.max(1, Math.floor(remainingMs))}m`,
    ...(hops > 0 ? { "nano-hops": `${hops}` } : {}),
    ...(attempt > 0 ? { "nano-attempt": `${attempt}` } : {}),
    ...(traceparent === "" ? {} : { traceparent }),
    ...(tracestate === "" ? {} : { tracestate }),
  };
}

/** The one message of an answer, or the error that it is. */
export function readGrpc({ headers, trailers, body }: Http2Answer): Uint8Array | NanoError {
  const status = Number(headers[":status"]);
  const type = headers["content-type"];
  if (status !== 200 || typeof type !== "string" || !type.startsWith("application/grpc")) {
    const code = codes[codeFromHttpStatus(status) - 1] ?? "unknown";
    return new NanoError({ code: status === 200 ? "internal" : code, message: "the server does not answer as gRPC does" });
  }
  // An answer that is nothing but an error has it in its head.
  const last = headers["grpc-status"] === undefined ? trailers : headers;
  const said = new Headers();
  for (const [name, value] of Object.entries(last)) if (typeof value === "string" && !name.startsWith(":")) said.set(name, value);
  const error = findTrailerError(said);
  if (error) return fromConnect(error);
  if (!said.has("grpc-status")) return new NanoError({ code: "unavailable", message: "the answer broke off" });
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  if (body.length < envelopeHeaderBytes || view.getUint8(0) !== 0 || view.getUint32(1) !== body.length - envelopeHeaderBytes)
    return new NanoError({ code: "internal", message: "the answer is not one uncompressed message" });
  return body.subarray(envelopeHeaderBytes);
}

function fromConnect(error: ConnectError): NanoError {
  const metadata: Record<string, string> = {};
  error.metadata.forEach((value, name) => {
    if (!ofTheProtocol.test(name)) metadata[name] = value;
  });
  const [detail] = error.details;
  const packed =
    detail && "type" in detail && create(AnySchema, { typeUrl: `type.googleapis.com/${detail.type}`, value: detail.value });
  const code = codes[error.code - 1] ?? "unknown";
  return new NanoError({ code, message: error.rawMessage, metadata, ...(packed ? { detail: packed } : {}) });
}
