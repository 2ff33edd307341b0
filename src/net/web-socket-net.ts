import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Socket } from "node:net";
import { upgradeLimits } from "./http-limits.ts";
import type { WebSocketNet } from "./net.ts";
import { OpenSockets } from "./open-sockets.ts";
import { createProxyDoor } from "./proxy-door.ts";
import { listening } from "./tcp-net.ts";
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
    const open = new OpenSockets();
    // As for TCP: where the first byte is the client's own.
    const moved = tls || options.proxy ? undefined : (socket: Socket) => open.add(socket);
    server.on("upgrade", createUpgrade(options, door.clientOf, accept, moved));
    return listening(server, options, tls, undefined, open);
  },
  attach: attachWebSocket,
};
