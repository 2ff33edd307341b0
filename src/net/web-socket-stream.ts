import type { Duplex } from "node:stream";
import type { RawData, WebSocket } from "ws";
import type { ByteStream, StreamEvents } from "./net.ts";
import { plainBytes } from "./plain-bytes.ts";
import { StreamError } from "./stream-error.ts";

/** One upgraded socket. What is written goes straight to the socket behind `ws`: whole frames, so that its own pongs fit between. */
export class WebSocketStream implements ByteStream {
  readonly remoteAddress: string;
  readonly #webSocket: WebSocket;
  readonly #socket: Duplex;
  #error: Error | undefined;

  constructor(webSocket: WebSocket, socket: Duplex, remoteAddress: string) {
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.remoteAddress = remoteAddress;
    if ("setNoDelay" in socket && typeof socket.setNoDelay === "function") socket.setNoDelay(true);
    webSocket.on("error", (error) => {
      this.#error = classified(error);
    });
  }

  get queuedBytes(): number {
    return this.#socket.writableLength;
  }

  write(bytes: Uint8Array): boolean {
    // After a close frame nothing may follow.
    if (this.#webSocket.readyState !== this.#webSocket.OPEN || !this.#socket.writable) return false;
    return this.#socket.write(bytes);
  }

  end(): void {
    this.#webSocket.close(1000);
  }

  destroy(): void {
    this.#webSocket.terminate();
  }

  hear(events: StreamEvents): void {
    // A text frame with the right bytes is as good as a binary one, as it is to Pitaya.
    this.#webSocket.on("message", (data: RawData) => {
      // Once closing, what still comes is dropped.
      if (this.#webSocket.readyState === this.#webSocket.OPEN) events.data(toBytes(data));
    });
    this.#socket.on("drain", () => events.drain());
    this.#webSocket.once("close", () => events.closed(this.#error));
  }
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
