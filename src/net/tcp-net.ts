import { createServer, type Server, type Socket } from "node:net";
import { connect as connectTls, createServer as createTlsServer, type Server as TlsServer } from "node:tls";
import { systemClock } from "../clock/index.ts";
import { DirectSocket, directly } from "./direct-socket.ts";
import type { Listener, ListenOptions, Net, TlsOptions } from "./net.ts";
import { OpenSockets } from "./open-sockets.ts";
import { plainAddress } from "./plain-address.ts";
import { createProxyDoor } from "./proxy-door.ts";
import { SocketStream } from "./socket-stream.ts";
import { clientTls, createServerTls, type ServerTls } from "./tls-options.ts";

/** Listens on TCP, or TLS over it. */
export const listenTcp: Net["listen"] = async (options, accept) => {
  const door = createProxyDoor(options);
  const tls = options.tls && createServerTls(options.tls);
  const take = (socket: Socket): void => {
    if (socket.destroyed) return;
    const stream = new SocketStream(socket, door.clientOf(socket));
    stream.hear(accept(stream));
  };
  // Where the first byte is the client's own, it can be read directly.
  const direct = !tls && !options.proxy;
  const server = tls ? createTlsServer(tls.options, take) : createServer({ noDelay: true, pauseOnConnect: direct });
  if (tls) door.guard(server);
  const plain = { as: (socket: Socket) => (direct ? (directly(socket) ?? socket.resume()) : socket), take: door.before(take) };
  const listener = listening(server, options, tls, tls ? undefined : plain);
  // Node leaves a socket open whose handshake has failed, or took too long.
  server.on("tlsClientError", (_error: Error, socket: Socket) => socket.destroy());
  return listener;
};

/** Connects by TCP, or TLS over it. */
export const connectTcp: Net["connect"] = ({ host, port, tls }, events, signal) => {
  const { socket, ready } = dial(host, port, tls);
  return connected(socket, ready, signal, () => {
    const stream = new SocketStream(socket, plainAddress(socket.remoteAddress));
    stream.hear(events);
    return stream;
  });
};

/** What is done with an accepted socket, where the server itself does nothing. */
export interface Taker {
  /** The socket that goes on in its place. */
  as(socket: Socket): Socket;
  take(socket: Socket): void;
}

// Where the system shares connections among those that listen on one port (SO_REUSEPORT, https://nodejs.org/api/net.html#serverlistenoptions-callback).
const sharingPlatforms: readonly NodeJS.Platform[] = ["linux", "freebsd", "sunos", "aix"];

/** Elsewhere the parent of processes that `node:cluster` started hands them out; a port that is not shared is the process's own even there. */
function sharing(shared = false): { readonly exclusive: boolean; readonly reusePort?: boolean } {
  if (!shared) return { exclusive: true };
  return sharingPlatforms.includes(process.platform) ? { exclusive: true, reusePort: true } : { exclusive: false };
}

/** Starts a server, and gives its listener when it listens. */
export function listening(
  server: Server,
  at: Pick<ListenOptions, "host" | "port" | "maxConnections" | "shared">,
  tls: ServerTls | undefined,
  taker?: Taker,
): Promise<Listener> {
  if (at.maxConnections !== undefined) server.maxConnections = at.maxConnections;
  const open = new OpenSockets();
  let paused = false;
  let isClosed = false;
  server.on("close", () => {
    isClosed = true;
  });
  server.on("connection", (accepted: Socket) => {
    if (paused) {
      accepted.destroy();
      return;
    }
    const socket = taker?.as(accepted) ?? accepted;
    open.add(socket);
    taker?.take(socket);
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: at.host, port: at.port, ...sharing(at.shared) }, () => {
      server.off("error", reject);
      // Accepting may fail for a while (no file descriptors left); those that are there go on.
      server.on("error", () => {});
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : at.port;
      resolve({
        host: at.host,
        port,
        pause: () => {
          // Whoever looks whether the port is open sees that it is not, and another process may have it.
          if (!paused) server.close();
          paused = true;
        },
        resume: () => {
          if (paused) server.listen({ host: at.host, port, ...sharing(at.shared) });
          paused = isClosed = false;
        },
        ...(tls ? { setTls: (next: TlsOptions) => tls.set(server as TlsServer, next) } : {}),
        close: () =>
          new Promise((closed) => {
            if (isClosed) return closed();
            server.once("close", () => closed());
            if (!paused) server.close();
            // The frontend has closed its own; what is left never became anybody's.
            const timer = systemClock.after(closeTimeoutMs, () => open.destroyAll());
            server.once("close", () => timer.cancel());
          }),
      });
    });
  });
}

const closeTimeoutMs = 5_000;

/** Resolves with what `then` makes of an open socket; rejects with its error, or the signal's reason. */
function connected<T>(socket: Socket, ready: "connect" | "secureConnect", signal: AbortSignal, then: () => T): Promise<T> {
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

function dial(host: string, port: number, tls: TlsOptions | undefined): { socket: Socket; ready: "connect" | "secureConnect" } {
  if (!tls) return { socket: new DirectSocket().connect({ host, port, noDelay: true }), ready: "connect" };
  return { socket: connectTls({ host, port, ...clientTls(tls, host) }), ready: "secureConnect" };
}
