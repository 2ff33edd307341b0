import { NanoError } from "../error/index.ts";
import type { HttpServer, Listener, WebSocketNet, WebSocketRules } from "../net/index.ts";
import type { Acceptor, AcceptorHost } from "./acceptor.ts";
import { addressOf } from "./address.ts";
import { allowsOrigin } from "./origin.ts";
import { acceptPackets } from "./packet-stream.ts";
import { createPort, type PortAcceptor, type PortOptions } from "./port.ts";

/** Which pages may come in by WebSocket. */
interface PageOptions {
  /** The default is "ws". */
  readonly name?: string;
  /**
   * Which pages may connect, beside those of the same host and port: origins, written out ("https://play.example.com"). The default is none; "any"
   * is all. Behind a proxy that ends TLS the page's own origin has to be listed: nobody here can see that it was https.
   */
  readonly origins?: readonly string[] | "any";
}

/** Where clients come in by WebSocket. */
export interface WebSocketOptions extends PortOptions, PageOptions {
  /** The only path taken. The default is any. */
  readonly path?: string;
}

/** Where clients come in by WebSocket, on a server that has other things to do. */
export interface WebSocketOnOptions extends PageOptions {
  /** The path that is nano's. */
  readonly path: string;
}

/** Clients by WebSocket, or TLS under it: one packet a message. */
export function webSocket(options: WebSocketOptions): PortAcceptor {
  return createPort({ name: "ws", ...options }, (at, accept, host) =>
    webSocketsOf(host).listen({ ...at, ...rulesOf(options, host) }, (stream) => acceptPackets(stream, accept)),
  );
}

/**
 * Clients by WebSocket on one path of an HTTP or HTTPS server of the application. Its requests, and upgrades of other paths, stay the application's;
 * stopping closes nano's clients and leaves the server alone. It has to listen, or to begin so within 5 s of `start`.
 */
export function webSocketOn(server: HttpServer, options: WebSocketOnOptions): Acceptor {
  let listener: Listener | undefined;
  return {
    name: options.name ?? "ws",
    async start(accept, host) {
      const rules = { ...rulesOf(options, host), path: options.path, maxConnections: host.maxSockets };
      listener = await webSocketsOf(host).attach(server, rules, (stream) => acceptPackets(stream, accept));
      return listener.port === 0 ? listener.host : addressOf(listener);
    },
    pause: () => listener?.pause(),
    resume: () => listener?.resume(),
    stop: async () => listener?.close(),
  };
}

function webSocketsOf(host: AcceptorHost): WebSocketNet {
  const { webSocket: net } = host.net;
  if (!net) throw new NanoError({ code: "unimplemented", message: "this net has no WebSockets" });
  return net;
}

function rulesOf({ path, origins = [] }: Pick<WebSocketOptions, "path" | "origins">, host: AcceptorHost): WebSocketRules {
  return {
    ...(path === undefined ? {} : { path }),
    maxMessageBytes: host.maxPacketBytes,
    maxFragments: host.maxFragments,
    allowOrigin: (origin, asked, tls) => allowsOrigin(origin, asked, tls, origins),
  };
}
