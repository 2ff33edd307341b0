import type { EventEmitter } from "node:events";
import { systemClock } from "../clock/index.ts";
import type { ByteStream, HttpServer, Listener, WebSocketNet } from "./net.ts";
import { plainAddress } from "./plain-address.ts";
import { createUpgrade, pathOf, refuse, type Upgrade } from "./web-socket-upgrade.ts";

// An application may begin to listen a moment later, or forget it.
const listenTimeoutMs = 5_000;
const closeTimeoutMs = 5_000;

const ours: unique symbol = Symbol("an upgrade of nano");

/** Takes the upgrades of one path from a server that is another's. */
export const attachWebSocket: WebSocketNet["attach"] = async (server, options, accept) => {
  const streams = new Set<ByteStream>();
  let paused = false;
  let emptied = (): void => {};
  const upgrade = createUpgrade(
    options,
    (socket) => plainAddress(socket.remoteAddress),
    (stream) => {
      streams.add(stream);
      const events = accept(stream);
      return {
        data: (bytes) => events.data(bytes),
        drain: () => events.drain(),
        closed(error) {
          streams.delete(stream);
          events.closed(error);
          if (streams.size === 0) emptied();
        },
      };
    },
  );
  const take: Upgrade = (request, socket, head) => {
    if (pathOf(request) === options.path) {
      if (paused || streams.size >= options.maxConnections) refuse(socket, "503 Service Unavailable");
      else upgrade(request, socket, head);
    } else if (isLast(server, listener)) refuse(socket, "404 Not Found");
  };
  const listener = Object.assign(take, { [ours]: true });
  const at = await addressOf(server);
  server.on("upgrade", listener);
  return {
    ...at,
    pause: () => {
      paused = true;
    },
    resume: () => {
      paused = false;
    },
    async close() {
      server.off("upgrade", listener);
      if (streams.size === 0) return;
      const timer = systemClock.after(closeTimeoutMs, () => {
        for (const stream of streams) stream.destroy();
      });
      await new Promise<void>((resolve) => {
        emptied = resolve;
      });
      timer.cancel();
    },
  };
};

/** Whether nobody but nano takes upgrades here, and nobody of nano comes later: then what is not taken here has to be answered. */
function isLast(server: EventEmitter, listener: Upgrade): boolean {
  const all = server.listeners("upgrade");
  return all.at(-1) === listener && all.every((one) => ours in one);
}

function addressOf(server: HttpServer): Promise<Pick<Listener, "host" | "port">> {
  return new Promise((resolve, reject) => {
    const over = (): void => {
      timer.cancel();
      server.off("listening", listens).off("error", failed);
    };
    const failed = (reason: Error): void => {
      over();
      reject(reason);
    };
    const listens = (): void => {
      over();
      const address = server.address();
      // A path, where it listens on one.
      if (typeof address !== "object" || !address) resolve({ host: address ?? "", port: 0 });
      else resolve({ host: address.address, port: address.port });
    };
    const timer = systemClock.after(listenTimeoutMs, () =>
      failed(new Error(`the HTTP server has not begun to listen within ${listenTimeoutMs} ms`)),
    );
    server.on("error", failed).on("listening", listens);
    if (server.listening) listens();
  });
}
