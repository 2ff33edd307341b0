import {
  type ClientHttp2Session,
  connect,
  constants,
  createSecureServer,
  createServer,
  type Http2Server,
  Http2ServerRequest,
  Http2ServerResponse,
  type Http2Stream,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import { systemClock } from "../clock/index.ts";
import type { ByteStream, Http2Net, StreamEvents, StreamStatus } from "./net.ts";
import { plainBytes } from "./plain-bytes.ts";
import { connectStream, type StreamProtocol, streamProtocol } from "./stream-protocol.ts";
import { listening } from "./tcp-net.ts";
import { clientTls, serverTls } from "./tls-options.ts";

// With default windows bulk moves at half the speed of TCP.
const windowBytes = 4 * 1_024 * 1_024;
const settings = { initialWindowSize: windowBytes, maxConcurrentStreams: 256, maxHeaderListSize: 16 * 1_024, enablePush: false };
const endTimeoutMs = 5_000;
// Strangers who say nothing, and peers that froze. Longer than a plain call may take.
const idleTimeoutMs = 75_000;

/** HTTP/2 on a port of its own: long streams straight on `node:http2`, everything else to a handler. */
export const http2Net: Http2Net = {
  listen(options, accept) {
    const server: Http2Server = options.tls
      ? createSecureServer({ ...serverTls(options.tls), settings })
      : createServer({ settings });
    const sessions = new Set<ServerHttp2Session>();
    server.on("session", (session) => {
      sessions.add(session);
      session.once("close", () => sessions.delete(session));
      session.on("error", () => {});
      // Each of its streams listens.
      session.setMaxListeners(0);
      session.setLocalWindowSize(windowBytes);
    });
    server.on("sessionError", () => {});
    server.on("timeout", (session?: ServerHttp2Session) => session?.destroy());
    server.setTimeout(idleTimeoutMs);
    // Not "request": Node's layer for that would end streams of gRPC in its own way.
    server.on("stream", (stream: ServerHttp2Stream, headers, _flags, rawHeaders) => {
      stream.on("error", () => {});
      // Reset before its turn came.
      if (stream.destroyed || stream.closed) return;
      const path = headers[":path"] ?? "";
      const isLink = path === options.path && headers[":method"] === "POST";
      const protocol = isLink ? streamProtocol(headers["content-type"]) : undefined;
      if (protocol) {
        const { contentType, trailers } = protocol;
        const bytes = new Http2ByteStream(stream, protocol);
        stream.respond({ ":status": 200, "content-type": contentType }, { waitForTrailers: trailers !== undefined });
        if (trailers) stream.once("wantTrailers", () => stream.sendTrailers(trailers(bytes.status)));
        bytes.hear(accept(bytes));
      } else if (!options.authorize(headers, path)) refuse(stream, 401);
      else if (headers[":method"] === "CONNECT") refuse(stream, 405);
      else options.other(new Http2ServerRequest(stream, headers, {}, rawHeaders), new Http2ServerResponse(stream));
    });
    const close = async (closed: () => Promise<void>): Promise<void> => {
      for (const session of sessions) session.close();
      const timer = systemClock.after(endTimeoutMs, () => {
        for (const session of sessions) session.destroy();
      });
      await closed();
      timer.cancel();
    };
    return listening(server, options).then((listener) => ({ ...listener, close: () => close(listener.close) }));
  },

  async connect({ host, port, tls, path }, events, signal) {
    const authority = `${tls ? "https" : "http"}://${host.includes(":") ? `[${host}]` : host}:${port}`;
    const session: ClientHttp2Session = connect(authority, { settings, ...(tls ? clientTls(tls, host) : {}) });
    session.on("error", () => {});
    await sessionReady(session, signal);
    session.setLocalWindowSize(windowBytes);
    const stream = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": connectStream.contentType,
      te: "trailers",
    });
    const bytes = new Http2ByteStream(stream);
    stream.once("close", () => session.close());
    bytes.hear(events);
    return bytes;
  },
};

function refuse(stream: ServerHttp2Stream, status: number): void {
  stream.respond({ ":status": status }, { endStream: true });
  stream.close(constants.NGHTTP2_NO_ERROR);
}

function sessionReady(session: ClientHttp2Session, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => {
      session.destroy();
      reject(signal.reason);
    };
    session.once("connect", () => {
      signal.removeEventListener("abort", aborted);
      resolve();
    });
    session.once("error", (error) => {
      signal.removeEventListener("abort", aborted);
      reject(error);
    });
    if (signal.aborted) aborted();
    else signal.addEventListener("abort", aborted, { once: true });
  });
}

/** One stream of HTTP/2 as a byte stream. */
class Http2ByteStream implements ByteStream {
  readonly remoteAddress: string;
  /** Why this side has ended it. */
  status: StreamStatus | undefined;
  readonly #stream: Http2Stream;
  readonly #answers: StreamProtocol | undefined;
  #ended = false;
  #error: Error | undefined;

  /** @param answers Set where the stream was accepted. */
  constructor(stream: Http2Stream, answers?: StreamProtocol) {
    this.#stream = stream;
    this.#answers = answers;
    this.remoteAddress = stream.session?.socket.remoteAddress ?? "";
    stream.on("error", (error) => {
      this.#error = error;
    });
    const { session } = stream;
    // A peer that is killed ends the session first; the stream alone would not say why.
    const failed = (error: Error): void => {
      this.#error ??= error;
    };
    session?.once("error", failed);
    stream.once("close", () => session?.off("error", failed));
  }

  get queuedBytes(): number {
    return this.#stream.writableLength;
  }

  write(bytes: Uint8Array): boolean {
    return this.#stream.writable && this.#stream.write(bytes);
  }

  end(status?: StreamStatus): void {
    const stream = this.#stream;
    this.#ended = true;
    this.status = status;
    stream.end(this.#answers?.lastBytes(status));
    const timer = systemClock.after(endTimeoutMs, () => stream.close(constants.NGHTTP2_CANCEL));
    stream.once("close", () => timer.cancel());
  }

  destroy(): void {
    this.#ended = true;
    this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  hear(events: StreamEvents): void {
    const stream = this.#stream;
    stream.on("data", (bytes: Buffer) => {
      // Whoever has said goodbye hears nothing more; what still comes is read and dropped, so that the peer's end is seen.
      if (!this.#ended) events.data(plainBytes(bytes));
    });
    stream.on("drain", () => events.drain());
    // The peer has said all; nothing comes after that, so this side ends too.
    stream.on("end", () => stream.end());
    stream.once("close", () => events.closed(this.#error));
  }
}
