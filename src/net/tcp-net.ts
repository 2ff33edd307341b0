import { connect, createServer, type Server, type Socket } from "node:net";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import { systemClock } from "../clock/index.ts";
import type { Listener, Net, TlsOptions } from "./net.ts";
import { SocketStream } from "./socket-stream.ts";
import { clientTls, serverTls } from "./tls-options.ts";

/** Listens on TCP, or TLS over it. */
export const listenTcp: Net["listen"] = (options, accept) => {
  const server = options.tls ? createTlsServer(serverTls(options.tls)) : createServer({ noDelay: true });
  const listener = listening(server, options);
  // Node leaves a socket open whose handshake has failed, or took too long.
  server.on("tlsClientError", (_error: Error, socket: Socket) => socket.destroy());
  // Heard after `listening`, which turns sockets away while it is paused.
  server.on(options.tls ? "secureConnection" : "connection", (socket: Socket) => {
    if (socket.destroyed) return;
    const stream = new SocketStream(socket);
    stream.hear(accept(stream));
  });
  return listener;
};

/** Connects by TCP, or TLS over it. */
export const connectTcp: Net["connect"] = ({ host, port, tls }, events, signal) => {
  const { socket, ready } = open(host, port, tls);
  return connected(socket, ready, signal, () => {
    const stream = new SocketStream(socket);
    stream.hear(events);
    return stream;
  });
};

/** Starts a server, and gives its listener when it listens. */
export function listening(
  server: Server,
  at: { readonly host: string; readonly port: number; readonly maxConnections?: number },
): Promise<Listener> {
  if (at.maxConnections !== undefined) server.maxConnections = at.maxConnections;
  const sockets = new Set<Socket>();
  let paused = false;
  server.on("connection", (socket: Socket) => {
    if (paused) {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: at.host, port: at.port }, () => {
      server.off("error", reject);
      // Accepting may fail for a while (no file descriptors left); those that are there go on.
      server.on("error", () => {});
      const address = server.address();
      resolve({
        host: at.host,
        port: typeof address === "object" && address !== null ? address.port : at.port,
        pause: () => {
          paused = true;
        },
        resume: () => {
          paused = false;
        },
        close: () =>
          new Promise((closed) => {
            server.close(() => closed());
            // The frontend has closed its own; what is left never became anybody's.
            const timer = systemClock.after(closeTimeoutMs, () => {
              for (const socket of sockets) socket.destroy();
            });
            server.once("close", () => timer.cancel());
          }),
      });
    });
  });
}

const closeTimeoutMs = 5_000;

/** Resolves with what `then` makes of an open socket; rejects with its error, or the signal's reason. */
export function connected<T>(socket: Socket, ready: "connect" | "secureConnect", signal: AbortSignal, then: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => {
      signal.removeEventListener("abort", aborted);
      reject(error);
    };
    const aborted = (): void => {
      socket.destroy();
      reject(signal.reason);
    };
    socket.once("error", failed);
    socket.once("close", () => failed(new Error("the connection was closed")));
    socket.once(ready, () => {
      signal.removeEventListener("abort", aborted);
      socket.off("error", failed);
      resolve(then());
    });
    if (signal.aborted) aborted();
    else signal.addEventListener("abort", aborted, { once: true });
  });
}

function open(host: string, port: number, tls: TlsOptions | undefined): { socket: Socket; ready: "connect" | "secureConnect" } {
  if (!tls) return { socket: connect({ host, port, noDelay: true }), ready: "connect" };
  return { socket: connectTls({ host, port, ...clientTls(tls, host) }), ready: "secureConnect" };
}
