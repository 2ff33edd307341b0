import { createServer, type IncomingMessage, type ServerOptions } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Duplex } from "node:stream";
import { type RawData, type WebSocket, WebSocketServer } from "ws";
import type { ByteStream, StreamEvents, WebSocketNet } from "./net.ts";
import { plainBytes } from "./plain-bytes.ts";
import { StreamError } from "./stream-error.ts";
import { listening } from "./tcp-net.ts";
import { serverTls } from "./tls-options.ts";

// How long a peer may take to answer a close frame, its own or one for breaking the rules.
const closeTimeoutMs = 5_000;

// A socket that says nothing, or drips its headers, is gone within three seconds.
const httpLimits: ServerOptions = {
  headersTimeout: 2_000,
  requestTimeout: 2_500,
  connectionsCheckingInterval: 500,
  maxHeaderSize: 16 * 1_024,
  keepAliveTimeout: 1_000,
};

/** WebSockets on a port of their own: `ws` does the handshake and reads, frames are written as they come. */
export const webSocketNet: WebSocketNet = {
  listen(options, accept) {
    const server = options.tls ? createTlsServer({ ...httpLimits, ...serverTls(options.tls) }) : createServer(httpLimits);
    const sockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      // Spread, since the types of `ws` do not have it yet.
      ...{ closeTimeout: closeTimeoutMs },
      maxPayload: options.maxMessageBytes,
      maxFragments: options.maxFragments,
    });
    server.on("request", (_request, response) => {
      response.writeHead(426, { "content-type": "text/plain", connection: "close", upgrade: "websocket" });
      response.end("This port speaks WebSocket.\n");
    });
    server.on("clientError", (_error, socket) => socket.destroy());
    server.on("tlsClientError", (_error, socket) => socket.destroy());
    server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on("error", () => {});
      const refusal = refused(request, options);
      if (refusal) {
        // A peer that does not close its half would keep the socket.
        socket.once("finish", () => socket.destroy());
        socket.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
        return;
      }
      sockets.handleUpgrade(request, socket, head, (webSocket) => {
        const stream = new WebSocketStream(webSocket, socket, request.socket.remoteAddress ?? "");
        stream.hear(accept(stream));
      });
    });
    return listening(server, options);
  },
};

function refused(request: IncomingMessage, options: Parameters<WebSocketNet["listen"]>[0]): string | undefined {
  const path = (request.url ?? "/").split("?")[0];
  if (options.path !== undefined && path !== options.path) return "404 Not Found";
  const { origin, host } = request.headers;
  // No browser leaves the origin out; Node and native clients have none.
  if (origin !== undefined && !options.allowOrigin(origin, host ?? "")) return "403 Forbidden";
  return undefined;
}

/** One upgraded socket. What is written goes straight to the socket behind `ws`: whole frames, so that its own pongs fit between. */
class WebSocketStream implements ByteStream {
  readonly remoteAddress: string;
  readonly #webSocket: WebSocket;
  readonly #socket: Duplex;
  #error: Error | undefined;

  constructor(webSocket: WebSocket, socket: Duplex, remoteAddress: string) {
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.remoteAddress = remoteAddress;
    if ("setNoDelay" in socket && typeof socket.setNoDelay === "function") socket.setNoDelay(true);
    webSocket.on("error", (error) => {
      this.#error = classified(error);
    });
  }

  get queuedBytes(): number {
    return this.#socket.writableLength;
  }

  write(bytes: Uint8Array): boolean {
    // After a close frame nothing may follow.
    if (this.#webSocket.readyState !== this.#webSocket.OPEN || !this.#socket.writable) return false;
    return this.#socket.write(bytes);
  }

  end(): void {
    this.#webSocket.close(1000);
  }

  destroy(): void {
    this.#webSocket.terminate();
  }

  hear(events: StreamEvents): void {
    // A text frame with the right bytes is as good as a binary one, as it is to Pitaya.
    this.#webSocket.on("message", (data: RawData) => {
      // Once closing, what still comes is dropped.
      if (this.#webSocket.readyState === this.#webSocket.OPEN) events.data(toBytes(data));
    });
    this.#socket.on("drain", () => events.drain());
    this.#webSocket.once("close", () => events.closed(this.#error));
  }
}

// What `ws` says of a peer that broke RFC 6455 or a limit; every other error is the socket's own.
function classified(error: Error): Error {
  if (!("code" in error) || typeof error.code !== "string" || !error.code.startsWith("WS_ERR_")) return error;
  return new StreamError(error.message, { limit: limits.get(error.code), cause: error });
}

const limits: ReadonlyMap<string, StreamError["limit"]> = new Map([
  ["WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", "messageBytes"],
  ["WS_ERR_TOO_MANY_BUFFERED_PARTS", "fragments"],
]);

function toBytes(data: RawData): Uint8Array {
  if (Array.isArray(data)) return plainBytes(Buffer.concat(data));
  return data instanceof ArrayBuffer ? new Uint8Array(data) : plainBytes(data);
}
