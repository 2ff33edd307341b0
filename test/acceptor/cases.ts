import { connect, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { WebSocket } from "ws";
import { type PortAcceptor, type PortOptions, tcp, webSocket } from "../../src/acceptor/index.ts";
import { type SelfSigned, selfSigned } from "../net/self-signed.ts";

/** A client, as far as every transport has one. */
export interface Dialled {
  send(bytes: Uint8Array): void;
  readonly heard: number;
  readonly state: "opening" | "open" | "closed";
  close(): void;
}

/** One of the acceptors of a port, with TLS or without. */
export interface AcceptorCase {
  readonly name: string;
  /** What it shows; undefined without TLS. */
  readonly tls: SelfSigned | undefined;
  create(options: PortOptions): PortAcceptor;
  /** Connects as the transport's usual client does, to 127.0.0.1 unless told otherwise. */
  dial(port: number, options?: DialOptions): Dialled;
}

/** How a client connects. */
export interface DialOptions extends Pick<ConnectionOptions, "ca" | "servername" | "rejectUnauthorized"> {
  readonly host?: string;
  /** Where it comes from: any address of this machine. */
  readonly localAddress?: string;
  /** Of an upgrade. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A socket, and when it is open. */
export function overSocket(socket: Socket, ready: string): Dialled {
  let [heard, state]: [number, Dialled["state"]] = [0, "opening"];
  socket.on("data", (data) => {
    heard += data.length;
  });
  socket.on(ready, () => {
    state = "open";
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    state = "closed";
  });
  return {
    send: (data) => void socket.write(data),
    get heard() {
      return heard;
    },
    get state() {
      return state;
    },
    close: () => socket.destroy(),
  };
}

/** A client of the field. */
export function overWebSocket(socket: WebSocket): Dialled {
  let heard = 0;
  socket.on("message", (data: Buffer) => {
    heard += data.length;
  });
  socket.on("error", () => {});
  return {
    send(data) {
      if (socket.readyState === WebSocket.CONNECTING) socket.once("open", () => socket.send(data));
      else socket.send(data);
    },
    get heard() {
      return heard;
    },
    get state() {
      if (socket.readyState === WebSocket.CONNECTING) return "opening";
      return socket.readyState === WebSocket.CLOSED ? "closed" : "open";
    },
    close: () => socket.terminate(),
  };
}

const loopback = "127.0.0.1";

/** Every acceptor of a port, without TLS and with it. */
export function acceptorCases(): readonly AcceptorCase[] {
  const tls = selfSigned();
  return [
    {
      name: "tcp",
      tls: undefined,
      create: (options) => tcp(options),
      dial: (port, options) => overSocket(connect({ host: loopback, port, ...options }), "connect"),
    },
    {
      name: "tcp over TLS",
      tls,
      create: (options) => tcp({ tls, ...options }),
      dial: (port, options) => overSocket(connectTls({ host: loopback, port, ca: tls.cert, ...options }), "secureConnect"),
    },
    {
      name: "webSocket",
      tls: undefined,
      create: (options) => webSocket(options),
      dial: (port, { host = loopback, ...options } = {}) =>
        overWebSocket(new WebSocket(`ws://${hostText(host)}:${port}`, options)),
    },
    {
      name: "webSocket over TLS",
      tls,
      create: (options) => webSocket({ tls, ...options }),
      dial: (port, { host = loopback, ...options } = {}) =>
        overWebSocket(new WebSocket(`wss://${hostText(host)}:${port}`, { ca: tls.cert, ...options })),
    },
  ];
}

function hostText(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
