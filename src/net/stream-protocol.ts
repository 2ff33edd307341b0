import type { OutgoingHttpHeaders } from "node:http2";
import { codes } from "../error/index.ts";
import type { StreamStatus } from "./net.ts";

/** How a stream of envelopes is spoken. Connect and gRPC lay out envelopes alike; they differ in how the side that answers ends. */
export interface StreamProtocol {
  readonly contentType: string;
  /** Written last. */
  lastBytes(status: StreamStatus | undefined): Uint8Array | undefined;
  /** Sent after the last byte. */
  trailers: ((status: StreamStatus | undefined) => OutgoingHttpHeaders) | undefined;
}

const endStreamFlag = 0x02;

/** Connect's streams end with an envelope of JSON. */
export const connectStream: StreamProtocol = {
  contentType: "application/connect+proto",
  lastBytes(status) {
    if (!status) return undefined;
    const { code, message } = status;
    const body = Buffer.from(JSON.stringify(code === undefined ? {} : { error: { code, message } }));
    const bytes = Buffer.alloc(5 + body.length);
    bytes[0] = endStreamFlag;
    bytes.writeUInt32BE(body.length, 1);
    bytes.set(body, 5);
    return bytes;
  },
  trailers: undefined,
};

/** The protocol of a request's content type, where streams of protobuf are spoken so. */
export function streamProtocol(contentType: string | undefined): StreamProtocol | undefined {
  if (contentType === connectStream.contentType) return connectStream;
  if (contentType !== "application/grpc" && contentType !== "application/grpc+proto") return undefined;
  return {
    contentType,
    lastBytes: () => undefined,
    trailers(status) {
      if (status?.code === undefined) return { "grpc-status": "0" };
      return { "grpc-status": String(codes.indexOf(status.code) + 1), "grpc-message": encodeURIComponent(status.message) };
    },
  };
}
