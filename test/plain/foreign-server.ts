import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import {
  createSecureServer,
  createServer,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import { fromBinary } from "@bufbuild/protobuf";
import type { ConnectRouter, HandlerContext } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import type { TlsOptions } from "nano-rpc";
import { type SessionContext, SessionContextSchema } from "../../gen/nano/cluster/v1/link_pb.ts";
import type { Discovery } from "../../src/discovery/index.ts";
import { info, join } from "../discovery/member.ts";

type Handler = (request: Http2ServerRequest, response: Http2ServerResponse) => void;

/** A server of rooms that has nothing of nano's runtime: gRPC, a record, and a schema. */
export interface ForeignServer {
  readonly id: string;
  /** All its connections break; it goes on. */
  cut(): void;
  /** It is gone, and its record with it. */
  stop(): Promise<void>;
}

/** What a server answers: the types of its services, and their schema, gzipped. */
export interface Offer {
  readonly types: readonly string[];
  readonly schema: Uint8Array;
}

const rooms: Offer = { types: ["room"], schema: readFileSync("examples/chat/gen/chat.nanoschema") };

/** What it answers by gRPC. */
export function routed(routes: (router: ConnectRouter) => void): Handler {
  return connectNodeAdapter({ routes });
}

/** Starts one in the cluster of a discovery. */
export async function startForeign(
  discovery: Discovery,
  id: string,
  handler: Handler,
  tls?: TlsOptions,
  { types, schema }: Offer = rooms,
): Promise<ForeignServer> {
  const server: Http2Server = tls ? createSecureServer({ ...tls, requestCert: true }, handler) : createServer(handler);
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => {
    sessions.add(session.on("error", () => {}));
    session.once("close", () => sessions.delete(session));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const addresses = [`127.0.0.1:${(server.address() as AddressInfo).port}`];
  const hash = createHash("sha256").update(gunzipSync(schema)).digest("hex");
  const member = await join(discovery, info(id, { types, addresses, schema: hash, forward: "unary" }), schema);
  const cut = (): void => {
    for (const session of sessions) session.destroy();
  };
  return {
    id,
    cut,
    async stop() {
      await member.membership.leave();
      server.close();
      cut();
    },
  };
}

/** The session that a call carries. */
export function sessionOf({ requestHeader }: HandlerContext): SessionContext {
  return fromBinary(SessionContextSchema, Buffer.from(requestHeader.get("nano-session-bin") ?? "", "base64"));
}
