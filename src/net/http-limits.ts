import type { ServerOptions } from "node:http";

/** What a peer may take of an HTTP/1.1 server: a socket that says nothing, or drips its headers, is gone within three seconds. */
export const httpLimits: ServerOptions = {
  headersTimeout: 2_000,
  requestTimeout: 2_500,
  connectionsCheckingInterval: 500,
  maxHeaderSize: 16 * 1_024,
  keepAliveTimeout: 1_000,
};

/** The same for a WebSocket's upgrade, which may come late where thousands come at once: it has as long as a handshake. */
export const upgradeLimits: ServerOptions = { ...httpLimits, headersTimeout: 4_500, requestTimeout: 5_000 };
