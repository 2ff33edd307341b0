import { createServer, type Server } from "node:http";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { type WebSocket, WebSocketServer } from "ws";
import { type ByteStream, type Listener, systemNet } from "../../src/net/index.ts";
import { upgradeText } from "../acceptor/raw-web-socket.ts";
import { first, frame } from "./frames.ts";
import { selfSigned } from "./self-signed.ts";

/** What a server has heard of one connection, in order: messages as hex, and at last how it was closed. */
type Heard = readonly string[];

/** A server that sends every message back. */
export interface EchoServer {
  readonly port: number;
  readonly tls?: boolean;
  /** Resolves with what one more connection has said, when that is closed. Asked before it is opened. */
  next(): Promise<Heard>;
  close(): Promise<void>;
}

const host = "127.0.0.1";
const rules = { maxFragments: 4, allowOrigin: () => true };

/** What connections say, one after another. */
class Conversations {
  #taken: (heard: Heard) => void = () => {};

  next(): Promise<Heard> {
    return new Promise((resolve) => {
      this.#taken = resolve;
    });
  }

  open(): { said(message: Uint8Array): void; closed(error: Error | undefined): void } {
    const heard: string[] = [];
    const taken = this.#taken;
    return {
      said: (message) => void heard.push(Buffer.from(message).toString("hex")),
      closed(error) {
        heard.push(`closed ${error?.message}`);
        taken(heard);
      },
    };
  }
}

/** `ws` as it is. */
export async function plainServer(maxPayload: number): Promise<EchoServer> {
  const conversations = new Conversations();
  const server = new WebSocketServer({
    ...{ host, port: 0, perMessageDeflate: false, maxPayload },
    ...{ maxFragments: rules.maxFragments },
  });
  await new Promise((resolve) => server.once("listening", resolve));
  server.on("connection", (socket: WebSocket) => {
    const heard = conversations.open();
    let failed: Error | undefined;
    socket.on("message", (data: Buffer) => {
      if (socket.readyState !== socket.OPEN) return;
      heard.said(data);
      socket.send(data, { binary: true });
    });
    socket.on("error", (error) => {
      failed = error;
    });
    socket.on("close", () => heard.closed(failed));
  });
  return {
    port: (server.address() as { readonly port: number }).port,
    next: () => conversations.next(),
    close: () => new Promise((resolve) => void server.close(() => resolve())),
  };
}

/** What nano reads with. */
export async function netServer(how: "port" | "tls" | "attached", maxPayload: number): Promise<EchoServer> {
  const { webSocket } = systemNet;
  if (!webSocket) throw new Error("no WebSockets");
  const conversations = new Conversations();
  const accept = (stream: ByteStream) => {
    const { said, closed } = conversations.open();
    return {
      data(message: Uint8Array) {
        said(message);
        stream.write(frame(first.binary, message, { masked: false }));
      },
      drain() {},
      closed,
    };
  };
  const options = { ...rules, maxMessageBytes: maxPayload };
  let http: Server | undefined;
  let listener: Listener;
  if (how === "attached") {
    http = createServer().listen({ host, port: 0 });
    listener = await webSocket.attach(http, { ...options, path: "/", maxConnections: 100 }, accept);
  } else {
    listener = await webSocket.listen({ ...options, host, port: 0, ...(how === "tls" ? { tls: selfSigned() } : {}) }, accept);
  }
  return {
    port: listener.port,
    tls: how === "tls",
    next: () => conversations.next(),
    async close() {
      await listener.close();
      http?.close();
    },
  };
}

/** What was heard of a connection, and what it got: all bytes behind the answer to its upgrade. */
export interface Conversation {
  readonly heard: Heard;
  readonly got: string;
}

/** Opens a connection, sends the pieces one after another, the first together with the upgrade, ends, and waits for the server's end. */
export async function converse(server: EchoServer, pieces: readonly Uint8Array[]): Promise<Conversation> {
  const heard = server.next();
  const socket: Socket = server.tls
    ? connectTls({ host, port: server.port, rejectUnauthorized: false })
    : connect({ host, port: server.port, noDelay: true });
  let text = "";
  socket
    .on("error", () => {})
    .on("data", (bytes) => {
      text += bytes.toString("latin1");
    });
  const closed = new Promise((resolve) => socket.once("close", resolve));
  const [together = new Uint8Array(0), ...others] = pieces;
  socket.write(Buffer.concat([Buffer.from(upgradeText()), together]));
  for (const piece of others) await new Promise((resolve) => socket.write(piece, resolve));
  socket.end();
  const said = await heard;
  await closed;
  return { heard: said, got: Buffer.from(text.slice(text.indexOf("\r\n\r\n") + 4), "latin1").toString("hex") };
}
