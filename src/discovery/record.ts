import { create, fromJsonString, toJsonString } from "@bufbuild/protobuf";
import { ForwardMode, ServerRecordSchema, ServerState as StateCode } from "../../gen/nano/cluster/v1/record_pb.ts";
import { NanoError } from "../error/index.ts";
import type { ServerInfo, ServerState } from "./discovery.ts";
import { signatureBytes } from "./record-seal.ts";

/** The largest record, in bytes, with its signature. */
export const maxRecordBytes = 4_096;

const stateCodes: Readonly<Record<ServerState, StateCode>> = {
  starting: StateCode.STARTING,
  ready: StateCode.READY,
  draining: StateCode.DRAINING,
};

/** The record of a server under one of its types, unsigned. Throws NanoError `invalid_argument` where it would be over 4 KiB. */
export function encodeRecord(info: ServerInfo, type: string): string {
  const text = toJsonString(
    ServerRecordSchema,
    create(ServerRecordSchema, {
      ...info,
      type,
      types: [...info.types],
      addresses: [...info.addresses],
      metadata: { ...info.metadata },
      state: stateCodes[info.state],
      forward: info.forward === "unary" ? ForwardMode.UNARY : ForwardMode.UNSPECIFIED,
    }),
  );
  const bytes = new TextEncoder().encode(text).length + signatureBytes;
  if (bytes > maxRecordBytes) {
    throw new NanoError({
      code: "invalid_argument",
      message: `the record of ${info.id} has ${bytes} bytes: at most ${maxRecordBytes}`,
    });
  }
  return text;
}

/** Throws NanoError `invalid_argument` where a record of the server is over 4 KiB. */
export function mustFit(info: ServerInfo): void {
  for (const type of info.types) encodeRecord(info, type);
}

/** What a record says. */
export interface ReadRecord {
  /** Which of the server's types it is for. */
  readonly type: string;
  readonly server: ServerInfo;
}

/** Reads a record without its signature; undefined where it is none. */
export function decodeRecord(text: string): ReadRecord | undefined {
  if (text.length > maxRecordBytes) return undefined;
  try {
    const record = fromJsonString(ServerRecordSchema, text, { ignoreUnknownFields: true });
    const state = record.state === StateCode.READY ? "ready" : record.state === StateCode.DRAINING ? "draining" : "starting";
    const { id, incarnation, type, types, version, addresses, frontend, protocol, schema, metadata } = record;
    if (id === "" || incarnation === 0n || type === "") return undefined;
    const all = types.length > 0 ? types : [type];
    if (!all.includes(type)) return undefined;
    const forward = record.forward === ForwardMode.UNARY ? { forward: "unary" as const } : {};
    const server: ServerInfo = { id, incarnation, types: all, version, frontend, addresses, state, protocol, schema, metadata };
    return { type, server: { ...server, ...forward } };
  } catch {
    return undefined;
  }
}
