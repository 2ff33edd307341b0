import {
  constants,
  createServer as createHttp2Server,
  Http2ServerRequest,
  Http2ServerResponse,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import { createServer, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { systemClock } from "../clock/index.ts";
import { certificateUris } from "./certificate-uris.ts";
import { onFirstByte } from "./first-bytes.ts";
import { Http2ByteStream } from "./http2-byte-stream.ts";
import { openCaller } from "./http2-caller.ts";
import { openSession } from "./http2-session.ts";
import type { Http2Net } from "./net.ts";
import { plainAddress } from "./plain-address.ts";
import { SocketStream } from "./socket-stream.ts";
import { connectionKey, createStrangers } from "./strangers.ts";
import { connectStream, streamProtocol } from "./stream-protocol.ts";
import { listening } from "./tcp-net.ts";
import { createServerTls } from "./tls-options.ts";

// With default windows bulk moves at half the speed of TCP.
const windowBytes = 4 * 1_024 * 1_024;
const maxHeaderListSize = 8 * 1_024;
const maxHeaders = 64;
const settings = { initialWindowSize: windowBytes, maxConcurrentStreams: 256, enablePush: false };
// Beside what Node has by itself: streams that are reset as fast as they are opened, headers without end, pings without end.
// Node resets, untold, what is over its own limits for headers: these are 64 KiB, and what would be in them at the most.
const bounds = { settings, maxHeaderListPairs: 2_048, maxSessionInvalidFrames: 100, maxSessionRejectedStreams: 100 };
const endTimeoutMs = 5_000;
// How long a peer may go on sending what is refused.
const refusedMs = 1_000;
// Strangers who say nothing, and peers that froze. Longer than a plain call may take.
const defaultIdleTimeoutMs = 75_000;

// The flags of an envelope: no other protocol begins with them. HTTP/2 begins with "P".
const straightByte = 0;

/** HTTP/2 on a port of its own: long streams straight on `node:http2`, or on the socket itself; everything else to a handler. */
export const http2Net: Http2Net = {
  async listen(options, accept) {
    const tls = options.tls && createServerTls(options.tls);
    const http2 = createHttp2Server(bounds);
    const { strangerMs = 0, idleTimeoutMs = defaultIdleTimeoutMs, refused = () => {} } = options;
    const strangers = strangerMs > 0 ? createStrangers(strangerMs, refused) : undefined;
    const sessions = new Map<
      ServerHttp2Session,
      { readonly socket: Socket; readonly connection: string; readonly certificate: readonly string[] | undefined }
    >();
    // A session does not give its socket away, but is told of in the same moment.
    let arrived: Socket | undefined;
    const take = (socket: Socket): void =>
      onFirstByte(socket, idleTimeoutMs, (byte) => {
        if (byte === straightByte && accept) return straight(socket, accept);
        arrived = socket;
        http2.emit("connection", socket);
      });
    const straight = (socket: Socket, heard: NonNullable<typeof accept>): void => {
      const connection = connectionKey(socket);
      const trust = (): void => strangers?.forget(connection);
      const stream = new SocketStream(socket, plainAddress(socket.remoteAddress), trust);
      stream.hear(heard(stream));
    };
    const server = tls ? createTlsServer({ ...tls.options, ALPNProtocols: ["h2"] }, take) : createServer({ noDelay: true }, take);
    // Also while they open TLS.
    if (strangers) server.prependListener("connection", strangers.add);
    http2.on("session", (session) => {
      if (arrived) {
        sessions.set(session, {
          socket: arrived,
          connection: connectionKey(arrived),
          certificate: certificateUris(arrived),
        });
      }
      session.once("close", () => sessions.delete(session));
      session.on("error", () => {});
      // Each of its streams listens.
      session.setMaxListeners(0);
      session.setLocalWindowSize(windowBytes);
    });
    http2.on("sessionError", (error: NodeJS.ErrnoException) => {
      // Not those that were cut off.
      if (error.code?.startsWith("ERR_HTTP2")) refused("protocol");
    });
    server.on("tlsClientError", (_error: Error, socket: Socket) => {
      refused("tls");
      // Node leaves a socket open whose handshake has failed, or took too long.
      socket.destroy();
    });
    // A session that is to write does not end by itself: its peer may have frozen.
    http2.on("timeout", (session: ServerHttp2Session) => sessions.get(session)?.socket.destroy());
    http2.setTimeout(idleTimeoutMs);
    // Not "request": Node's layer for that would end streams of gRPC in its own way.
    http2.on("stream", (stream: ServerHttp2Stream, headers, _flags, rawHeaders) => {
      stream.on("error", () => {});
      // Reset before its turn came.
      const session = stream.session as ServerHttp2Session | undefined;
      const from = session && sessions.get(session);
      if (!from || stream.destroyed || stream.closed) return;
      const { socket, connection, certificate } = from;
      if (headerListSize(rawHeaders) > maxHeaderListSize || rawHeaders.length > 2 * maxHeaders) {
        refused("headers");
        return refuse(stream, 431);
      }
      const path = headers[":path"] ?? "";
      const isLink = accept && path === options.path && headers[":method"] === "POST";
      const protocol = isLink ? streamProtocol(headers["content-type"]) : undefined;
      if (accept && protocol) {
        const { contentType, trailers } = protocol;
        const bytes = new Http2ByteStream(stream, { socket, protocol, trust: () => strangers?.forget(connection) });
        stream.respond({ ":status": 200, "content-type": contentType }, { waitForTrailers: trailers !== undefined });
        if (trailers) stream.once("wantTrailers", () => stream.sendTrailers(trailers(bytes.status)));
        bytes.hear(accept(bytes));
        return;
      }
      if (!options.authorize(headers, path, certificate)) return refuse(stream, 401);
      strangers?.forget(connection);
      if (headers[":method"] === "CONNECT") return refuse(stream, 405);
      options.other(new Http2ServerRequest(stream, headers, {}, rawHeaders), new Http2ServerResponse(stream), certificate);
    });
    const close = async (closed: () => Promise<void>): Promise<void> => {
      for (const session of sessions.keys()) session.close();
      const timer = systemClock.after(endTimeoutMs, () => {
        for (const { socket } of sessions.values()) socket.destroy();
      });
      await closed();
      timer.cancel();
    };
    const listener = await listening(server, options, tls);
    return { ...listener, close: () => close(listener.close) };
  },

  async connect({ path, ...at }, events, signal) {
    const { session, socket } = await openSession(at, settings, signal);
    session.setLocalWindowSize(windowBytes);
    const stream = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": connectStream.contentType,
      te: "trailers",
    });
    const bytes = new Http2ByteStream(stream, { socket });
    stream.once("close", () => {
      session.close();
      const timer = systemClock.after(endTimeoutMs, () => socket.destroy());
      socket.once("close", () => timer.cancel());
    });
    bytes.hear(events);
    return bytes;
  },

  open: openCaller,
};

/** As HTTP/2 counts it. */
function headerListSize(rawHeaders: readonly string[]): number {
  return rawHeaders.reduce((size, text) => size + text.length + 16, 0);
}

/** Whoever is still sending may take a reset for all that was said, and never see the status (curl, for one): what comes is dropped for a moment. */
function refuse(stream: ServerHttp2Stream, status: number): void {
  const timer = systemClock.after(refusedMs, () => stream.close(constants.NGHTTP2_NO_ERROR));
  stream.once("close", () => timer.cancel());
  stream.respond({ ":status": status }, { endStream: true });
  stream.resume();
}
