import type { Duplex } from "node:stream";
import type { RawData, WebSocket } from "ws";
import { queuedBytes, send } from "./direct-socket.ts";
import type { ByteStream, StreamEvents } from "./net.ts";
import { plainBytes } from "./plain-bytes.ts";
import { StreamError } from "./stream-error.ts";
import type { FrameRules } from "./web-socket-frame.ts";
import { type MessageTaker, readFrames } from "./web-socket-reader.ts";

const stream: unique symbol = Symbol("the stream of a WebSocket");

/** Listeners find the stream by what they listen to: closures of its own would be a part of what an idle socket costs. */
interface Carrier {
  [stream]?: WebSocketStream;
}

/** One upgraded socket. What is written goes straight to the socket behind `ws`: whole frames, so that its own pongs fit between. */
export class WebSocketStream implements ByteStream, MessageTaker {
  readonly remoteAddress: string;
  readonly #webSocket: WebSocket & Carrier;
  readonly #socket: Duplex & Carrier;
  #events: StreamEvents | undefined;
  #error: Error | undefined;

  constructor(webSocket: WebSocket, socket: Duplex, remoteAddress: string) {
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.remoteAddress = remoteAddress;
    if ("setNoDelay" in socket && typeof socket.setNoDelay === "function") socket.setNoDelay(true);
    this.#webSocket[stream] = this.#socket[stream] = this;
    webSocket.on("error", failed);
  }

  get queuedBytes(): number {
    return queuedBytes(this.#socket);
  }

  write(bytes: Uint8Array): boolean {
    // After a close frame nothing may follow.
    return this.#webSocket.readyState === this.#webSocket.OPEN && send(this.#socket, bytes);
  }

  end(): void {
    this.#webSocket.close(1000);
  }

  destroy(): void {
    this.#webSocket.terminate();
  }

  hear(events: StreamEvents, rules: FrameRules): void {
    this.#events = events;
    readFrames(this.#webSocket, this.#socket, rules, this);
    this.#webSocket.on("message", message).on("close", closed);
    this.#socket.on("drain", drained);
  }

  take(message: Uint8Array): void {
    // Once closing, what still comes is dropped.
    if (this.#webSocket.readyState === this.#webSocket.OPEN) this.#events?.data(message);
  }

  drained(): void {
    this.#events?.drain();
  }

  failed(error: Error): void {
    this.#error = classified(error);
  }

  closed(): void {
    this.#events?.closed(this.#error);
  }
}

// A text frame with the right bytes is as good as a binary one, as it is to Pitaya.
function message(this: WebSocket & Carrier, data: RawData): void {
  this[stream]?.take(toBytes(data));
}

function drained(this: Carrier): void {
  this[stream]?.drained();
}

function failed(this: WebSocket & Carrier, error: Error): void {
  this[stream]?.failed(error);
}

function closed(this: WebSocket & Carrier): void {
  this[stream]?.closed();
}

// What `ws` says of a peer that broke RFC 6455 or a limit; every other error is the socket's own.
function classified(error: Error): Error {
  if (!("code" in error) || typeof error.code !== "string" || !error.code.startsWith("WS_ERR_")) return error;
  return new StreamError(error.message, { limit: limits.get(error.code), cause: error });
}

const limits: ReadonlyMap<string, StreamError["limit"]> = new Map([
  ["WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", "messageBytes"],
  ["WS_ERR_TOO_MANY_BUFFERED_PARTS", "fragments"],
]);

function toBytes(data: RawData): Uint8Array {
  if (Array.isArray(data)) return plainBytes(Buffer.concat(data));
  return data instanceof ArrayBuffer ? new Uint8Array(data) : plainBytes(data);
}
