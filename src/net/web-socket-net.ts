import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Server } from "node:net";
import { directly } from "./direct-socket.ts";
import { upgradeLimits } from "./http-limits.ts";
import type { WebSocketNet } from "./net.ts";
import { createProxyDoor } from "./proxy-door.ts";
import { listening, type Taker } from "./tcp-net.ts";
import { createServerTls } from "./tls-options.ts";
import { attachWebSocket } from "./web-socket-attach.ts";
import { createUpgrade } from "./web-socket-upgrade.ts";

/** WebSockets: `ws` does the handshake and reads what is not a whole binary message; frames are written as they come. */
export const webSocketNet: WebSocketNet = {
  async listen(options, accept) {
    const door = createProxyDoor(options);
    const tls = options.tls && createServerTls(options.tls);
    const server = tls ? createTlsServer({ ...upgradeLimits, ...tls.options }) : createServer(upgradeLimits);
    door.guard(server);
    server.on("request", (_request, response) => {
      response.writeHead(426, { "content-type": "text/plain", connection: "close", upgrade: "websocket" });
      response.end("This port speaks WebSocket.\n");
    });
    server.on("clientError", (_error, socket) => socket.destroy());
    server.on("tlsClientError", (_error, socket) => socket.destroy());
    server.on("upgrade", createUpgrade(options, door.clientOf, accept));
    // As for TCP: where the first byte is the client's own, it can be read directly. Until the upgrade HTTP reads, by itself.
    return listening(server, options, tls, tls || options.proxy ? undefined : takeDirectly(server));
  },
  attach: attachWebSocket,
};

/** Stands before the listeners that the server has for connections by now: they are given sockets that read directly. */
function takeDirectly(server: Server): Taker {
  const listeners = server.listeners("connection");
  server.removeAllListeners("connection");
  return {
    as: (socket) => directly(socket) ?? socket,
    take(socket) {
      for (const listener of listeners) listener.call(server, socket);
    },
  };
}
