import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import type { ByteStream, StreamEvents, WebSocketRules } from "./net.ts";
import { WebSocketStream } from "./web-socket-stream.ts";

// How long a peer may take to answer a close frame, its own or one for breaking the rules.
const closeTimeoutMs = 5_000;

/** What does an upgrade: it belongs to whoever listens for them on an HTTP server. */
export type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** Upgrades what the rules allow, and answers the rest. */
export function createUpgrade(
  rules: WebSocketRules,
  clientOf: (socket: Socket) => string,
  accept: (stream: ByteStream) => StreamEvents,
): Upgrade {
  const frameRules = { masked: true, maxPayload: rules.maxMessageBytes };
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    // Spread, since the types of `ws` do not have it yet.
    ...{ closeTimeout: closeTimeoutMs },
    maxPayload: rules.maxMessageBytes,
    maxFragments: rules.maxFragments,
  });
  return (request, socket, head) => {
    const refusal = refused(request, rules);
    if (refusal) return refuse(socket, refusal);
    socket.on("error", ignored);
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      const stream = new WebSocketStream(webSocket, socket, clientOf(request.socket));
      stream.hear(accept(stream), frameRules);
    });
  };
}

/** Answers an upgrade with a status as "404 Not Found", and closes. */
export function refuse(socket: Duplex, status: string): void {
  socket.on("error", ignored);
  // A peer that does not close its half would keep the socket.
  socket.once("finish", () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

// Written here, since one that is made beside a request would keep it, and all its headers, as long as the socket.
function ignored(): void {}

/** The path of a request, without its query. */
export function pathOf(request: IncomingMessage): string | undefined {
  return (request.url ?? "/").split("?")[0];
}

function refused(request: IncomingMessage, { path, allowOrigin }: WebSocketRules): string | undefined {
  if (path !== undefined && pathOf(request) !== path) return "404 Not Found";
  const { origin, host } = request.headers;
  // No browser leaves the origin out; Node and native clients have none.
  const tls = "encrypted" in request.socket;
  if (origin !== undefined && !allowOrigin(origin, host ?? "", tls)) return "403 Forbidden";
  return undefined;
}
