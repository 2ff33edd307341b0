import type { Socket } from "node:net";
import { systemClock } from "../clock/index.ts";
import { DirectSocket } from "./direct-socket.ts";
import type { ByteStream, StreamEvents } from "./net.ts";
import { plainBytes } from "./plain-bytes.ts";

// How long a peer that does not read may hold a stream that has ended.
const endTimeoutMs = 5_000;

/** A TCP or TLS socket as a byte stream. */
export class SocketStream implements ByteStream {
  readonly remoteAddress: string;
  readonly #socket: Socket;
  #ended = false;
  #error: Error | undefined;

  constructor(socket: Socket, remoteAddress: string) {
    this.#socket = socket;
    this.remoteAddress = remoteAddress;
    socket.setNoDelay(true);
    // Always heard: an error without a listener ends the process.
    socket.on("error", (error) => {
      this.#error = error;
    });
  }

  get queuedBytes(): number {
    return this.#socket.writableLength;
  }

  write(bytes: Uint8Array): boolean {
    return this.#socket.writable && this.#socket.write(bytes);
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

  hear(events: StreamEvents): void {
    const socket = this.#socket;
    // Whoever has said goodbye hears nothing more; what still comes is read and dropped, so that the peer's end is seen.
    const heard = (bytes: Uint8Array): void => {
      if (!this.#ended) events.data(bytes);
    };
    if (socket instanceof DirectSocket) socket.heard = heard;
    else socket.on("data", (bytes: Buffer) => heard(plainBytes(bytes)));
    socket.on("drain", () => events.drain());
    socket.once("close", () => events.closed(this.#error));
  }
}
