import type { Socket } from "node:net";
import { systemClock } from "../clock/index.ts";
import { certificateUris } from "./certificate-uris.ts";
import { DirectSocket, queuedBytes, send } from "./direct-socket.ts";
import type { ByteStream, StreamEvents } from "./net.ts";
import { plainBytes } from "./plain-bytes.ts";

// How long a peer that does not read may hold a stream that has ended.
const endTimeoutMs = 5_000;

const stream: unique symbol = Symbol("the stream of a socket");

/** Listeners find the stream by its socket: closures of its own would be half of what an idle socket costs. */
interface Carrier extends Socket {
  [stream]?: SocketStream;
}

/** A TCP or TLS socket as a byte stream. */
export class SocketStream implements ByteStream {
  readonly remoteAddress: string;
  readonly #socket: Carrier;
  #events: StreamEvents | undefined;
  #ended = false;
  #error: Error | undefined;
  readonly #trust: (() => void) | undefined;

  /** @param trust Told that whoever is at the other end may stay. */
  constructor(socket: Socket, remoteAddress: string, trust?: () => void) {
    this.#socket = socket;
    this.remoteAddress = remoteAddress;
    this.#trust = trust;
    this.#socket[stream] = this;
    socket.setNoDelay(true);
    // Always heard: an error without a listener ends the process.
    socket.on("error", failed);
  }

  get certificate(): readonly string[] | undefined {
    return certificateUris(this.#socket);
  }

  get queuedBytes(): number {
    return queuedBytes(this.#socket);
  }

  write(bytes: Uint8Array): boolean {
    return !this.#ended && send(this.#socket, bytes);
  }

  end(): void {
    const socket = this.#socket;
    this.#ended = true;
    socket.end();
    const timer = systemClock.after(endTimeoutMs, () => socket.destroy());
    socket.once("close", () => timer.cancel());
  }

  destroy(): void {
    this.#socket.destroy();
  }

  trust(): void {
    this.#trust?.();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  hear(events: StreamEvents): void {
    const socket = this.#socket;
    this.#events = events;
    if (socket instanceof DirectSocket) socket.heard = read;
    else socket.on("data", data);
    socket.on("drain", drained).on("close", closed);
  }

  /** Whoever has said goodbye hears nothing more; what still comes is read and dropped, so that the peer's end is seen. */
  read(bytes: Uint8Array): void {
    if (!this.#ended) this.#events?.data(bytes);
  }

  drained(): void {
    this.#events?.drain();
  }

  failed(error: Error): void {
    this.#error = error;
  }

  closed(): void {
    this.#events?.closed(this.#error);
  }
}

function read(this: Carrier, bytes: Uint8Array): void {
  this[stream]?.read(bytes);
}

function data(this: Carrier, bytes: Buffer): void {
  this[stream]?.read(plainBytes(bytes));
}

function drained(this: Carrier): void {
  this[stream]?.drained();
}

function failed(this: Carrier, error: Error): void {
  this[stream]?.failed(error);
}

function closed(this: Carrier): void {
  this[stream]?.closed();
}
