import type { Code } from "../error/index.ts";
import type { Http2Caller } from "./http2-caller.ts";

/** A byte pipe to one peer. */
export interface ByteStream {
  /** The peer's address, as "127.0.0.1" or "::1". */
  readonly remoteAddress: string;
  /** The URIs of the certificate that the peer has shown, where it was of a known authority; undefined: none. */
  readonly certificate?: readonly string[] | undefined;
  /** Bytes written and not yet taken by the system. */
  readonly queuedBytes: number;
  /** Takes the bytes (they must not change afterwards). False when the pipe is full; wait for `drain`. */
  write(bytes: Uint8Array): boolean;
  /**
   * Sends what is written, then closes.
   *
   * @param status Why. A stream that was accepted over HTTP/2 says it in the way of its protocol; others have no way to.
   */
  end(status?: StreamStatus): void;
  /** Closes at once. `closed` follows. */
  destroy(): void;
  /** Reads no more until `resume`. Absent where that cannot be had. */
  pause?(): void;
  resume?(): void;
  /** Whoever is at the other end may stay: where strangers are sent away after a time, it is none. */
  trust?(): void;
}

/** Why a stream was ended. */
export interface StreamStatus {
  /** Undefined: all is well. */
  readonly code: Code | undefined;
  readonly message: string;
}

/** What is done with what a stream gives. */
export interface StreamEvents {
  /** The bytes are only true during the call: the buffer may be used again. */
  data(bytes: Uint8Array): void;
  /** What was written has gone; `write` takes more. */
  drain(): void;
  /** Once, whatever the cause. Nothing comes after it. */
  closed(error?: Error): void;
}

/** Where something listens. */
export interface Listener {
  readonly host: string;
  readonly port: number;
  /** Takes no more connections: the port is shut, where it is its own; those that are there stay. */
  pause(): void;
  /** Takes connections again, a moment later. */
  resume(): void;
  /**
   * Shows other certificates to whoever connects from now on, and takes those of other authorities; streams that are there stay.
   * Absent without TLS. Whether clients are asked for a certificate stays as it was.
   *
   * @throws What makes no sense; then nothing has changed.
   */
  setTls?(tls: TlsOptions): void;
  /** Stops listening. Streams that are there stay until they are closed. */
  close(): Promise<void>;
}

/** A certificate (with those between it and its authority) and its key: PEM texts, as `node:tls` takes them. */
export interface TlsIdentity {
  readonly cert: string;
  readonly key: string;
}

/** PEM texts, as `node:tls` takes them. A server needs `cert` and `key`, or `names`. */
export interface TlsOptions {
  readonly cert?: string;
  readonly key?: string;
  readonly ca?: string;
  /**
   * What a server shows to clients that ask for a name: "play.example.com", or "*.example.com" for every name one step below. Whoever asks for
   * another name, or none, is shown `cert`, and sent away where there is none.
   */
  readonly names?: Readonly<Record<string, TlsIdentity>>;
  /** Whether a server asks clients for a certificate of `ca`. The default is false. */
  readonly requestCert?: boolean;
  /** Whether a client accepts only certificates of `ca` or the system. The default is true. */
  readonly rejectUnauthorized?: boolean;
  /** The name that a client asks for. The default is the host. */
  readonly serverName?: string;
}

/** Proxies that say by the PROXY protocol (version 1 or 2) whose connection they hand on. */
export interface ProxyOptions {
  /**
   * From where such headers are taken, and asked for: addresses, and networks as "10.0.0.0/8" or "fd00::/8". Whoever comes from elsewhere is a
   * client that came by itself: a header of his is no packet, and closes.
   */
  readonly trusted: readonly string[];
  /** How long a header may take, in milliseconds. The default is 5000. */
  readonly headerMs?: number;
  /** How long a header of version 2 may be, in bytes. The default is 4096; a line of version 1 has at most 107. */
  readonly headerBytes?: number;
}

/** Where to listen, and to whom. */
export interface ListenOptions {
  readonly host: string;
  /** 0 picks one. */
  readonly port: number;
  readonly tls?: TlsOptions;
  readonly proxy?: ProxyOptions;
  /** Told of a trusted proxy whose header was none, or late. The connection is closed. */
  readonly refused?: (remoteAddress: string, error: Error) => void;
  /** Sockets beyond are closed at once, also those that have not said anything yet. The default is no limit. */
  readonly maxConnections?: number;
  /** Whether other processes of this machine listen there, too, and get a share of the connections. The default is false. */
  readonly shared?: boolean;
}

/** What carries bytes. Nothing else opens a socket. */
export interface Net {
  /** Resolves when it listens, rejects with the reason when it cannot. */
  listen(options: ListenOptions, accept: (stream: ByteStream) => StreamEvents): Promise<Listener>;
  /** Resolves when connected. Aborting the signal before gives up. */
  connect(
    options: { readonly host: string; readonly port: number; readonly tls?: TlsOptions },
    events: StreamEvents,
    signal: AbortSignal,
  ): Promise<ByteStream>;
  /** WebSockets, where the net has them. */
  readonly webSocket?: WebSocketNet;
  /** HTTP/2, where the net has it. Links between servers frame plain streams where it has not. */
  readonly http2?: Http2Net;
  /** How many more sockets the system allows, now; absent or undefined where nobody knows. */
  readonly spareSockets?: () => number | undefined;
}

/** Which WebSockets are taken, and what may come on them. */
export interface WebSocketRules {
  /** The only path taken. The default is any. */
  readonly path?: string;
  /** The largest message, in bytes. */
  readonly maxMessageBytes: number;
  /** How many fragments one message may have. */
  readonly maxFragments: number;
  /** Whether a page of this origin, asking this host, may connect. Not called where no origin is named. */
  readonly allowOrigin: (origin: string, host: string, tls: boolean) => boolean;
}

/** An HTTP server of the application. */
export type HttpServer = import("node:http").Server | import("node:https").Server;

/** What accepts WebSockets: `data` gives one whole message a call; `write` takes whole frames, laid out by the caller. */
export interface WebSocketNet {
  /** On a port of their own. */
  listen(options: ListenOptions & WebSocketRules, accept: (stream: ByteStream) => StreamEvents): Promise<Listener>;
  /** On one path of a server that others have, too. Resolves when it listens; closing leaves it alone. */
  attach(
    server: HttpServer,
    options: WebSocketRules & { readonly path: string; readonly maxConnections: number },
    accept: (stream: ByteStream) => StreamEvents,
  ): Promise<Listener>;
}

/** One request of HTTP/2 that stays open both ways: pieces of bytes, as they come. */
export interface Http2Net {
  /**
   * Serves one port: streams to `path` go to `accept`, and so do connections whose first byte is 0, as they are; every other request goes to `other`.
   * Without `accept` there are no streams: all is HTTP/2, and whatever is not is closed.
   * `authorize` sees a request's headers, and the URIs of its certificate, before any byte of its body; false answers 401.
   */
  listen(
    options: {
      readonly host: string;
      readonly port: number;
      readonly tls?: TlsOptions;
      /** Of streams. Needed where they are accepted. */
      readonly path?: string;
      readonly authorize: (
        headers: Readonly<Record<string, string | string[] | undefined>>,
        path: string,
        certificate: readonly string[] | undefined,
      ) => boolean;
      readonly other: Http2Handler;
      /** Connections on which nothing has come for so long are closed, in milliseconds; 0: none is. The default is 75,000. */
      readonly idleTimeoutMs?: number;
      /** Connections beyond are closed at once. The default is no limit. */
      readonly maxConnections?: number;
      /**
       * Connections by which nobody has come in for so long (an authorized request, a stream that is trusted) are closed, in milliseconds; and the
       * oldest of more than 1,024 such, or 256 from one address (of IPv6: one network of 64 bits). The default is never.
       */
      readonly strangerMs?: number;
      /** Told of every connection that was closed before anybody came in by it, and of every request whose headers were not looked at, and why. */
      readonly refused?: (why: Http2Refusal) => void;
    },
    accept?: (stream: ByteStream) => StreamEvents,
  ): Promise<Listener>;
  /** Opens a stream to `path`, with headers of a Connect stream. */
  connect(
    options: { readonly host: string; readonly port: number; readonly tls?: TlsOptions; readonly path: string },
    events: StreamEvents,
    signal: AbortSignal,
  ): Promise<ByteStream>;
  /** Opens a connection for single requests. `lost` is told, once, when it is gone. */
  open(
    at: { readonly host: string; readonly port: number; readonly tls?: TlsOptions },
    lost: () => void,
    signal: AbortSignal,
  ): Promise<Http2Caller>;
}

/**
 * Why a connection was closed: no TLS or no certificate of the right authority; a breach of HTTP/2, or a flood; nobody in time; too many. Or, of one request: over
 * 8 KiB of headers, or 64.
 */
export type Http2Refusal = "tls" | "protocol" | "silent" | "busy" | "headers";

/** A handler of `node:http2` requests, as connect-node makes it, and the URIs of the certificate that the caller has shown. */
export type Http2Handler = (
  request: import("node:http2").Http2ServerRequest,
  response: import("node:http2").Http2ServerResponse,
  certificate: readonly string[] | undefined,
) => void;
