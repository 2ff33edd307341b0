import { constants, type Http2Stream } from "node:http2";
import type { Socket } from "node:net";
import { systemClock } from "../clock/index.ts";
import { certificateUris } from "./certificate-uris.ts";
import type { ByteStream, StreamEvents, StreamStatus } from "./net.ts";
import { plainBytes } from "./plain-bytes.ts";
import type { StreamProtocol } from "./stream-protocol.ts";

const endTimeoutMs = 5_000;

/** What a stream of HTTP/2 runs over. */
export interface Http2StreamParts {
  readonly socket: Socket;
  /** Where the stream was accepted: how it ends. Where it was opened nothing else runs over its socket. */
  readonly protocol?: StreamProtocol;
  /** Whoever is at the other end may stay. */
  readonly trust?: () => void;
}

/** One stream of HTTP/2 as a byte stream. */
export class Http2ByteStream implements ByteStream {
  readonly remoteAddress: string;
  readonly certificate: readonly string[] | undefined;
  readonly trust: () => void;
  /** Why this side has ended it. */
  status: StreamStatus | undefined;
  readonly #stream: Http2Stream;
  readonly #socket: Socket;
  readonly #protocol: StreamProtocol | undefined;
  #ended = false;
  #error: Error | undefined;

  constructor(stream: Http2Stream, { socket, protocol, trust = () => {} }: Http2StreamParts) {
    this.#stream = stream;
    this.#socket = socket;
    this.#protocol = protocol;
    this.remoteAddress = socket.remoteAddress ?? "";
    this.certificate = certificateUris(socket);
    this.trust = trust;
    stream.on("error", (error) => {
      this.#error = error;
    });
    const { session } = stream;
    // A peer that is killed ends the session first; the stream alone would not say why.
    const failed = (error: Error): void => {
      this.#error ??= error;
    };
    session?.once("error", failed);
    stream.once("close", () => session?.off("error", failed));
  }

  get queuedBytes(): number {
    return this.#stream.writableLength;
  }

  write(bytes: Uint8Array): boolean {
    return this.#stream.writable && this.#stream.write(bytes);
  }

  end(status?: StreamStatus): void {
    const stream = this.#stream;
    this.#ended = true;
    this.status = status;
    stream.end(this.#protocol?.lastBytes(status));
    const timer = systemClock.after(endTimeoutMs, () => this.#cut());
    stream.once("close", () => timer.cancel());
  }

  destroy(): void {
    this.#ended = true;
    this.#cut();
  }

  hear(events: StreamEvents): void {
    const stream = this.#stream;
    stream.on("data", (bytes: Buffer) => {
      // Whoever has said goodbye hears nothing more; what still comes is read and dropped, so that the peer's end is seen.
      if (!this.#ended) events.data(plainBytes(bytes));
    });
    stream.on("drain", () => events.drain());
    // The peer has said all; nothing comes after that, so this side ends too.
    stream.on("end", () => stream.end());
    stream.once("close", () => events.closed(this.#error));
  }

  #cut(): void {
    const stream = this.#stream;
    if (stream.destroyed) return;
    stream.close(constants.NGHTTP2_CANCEL);
    if (!this.#protocol) return void this.#socket.destroy();
    // Other streams may run over the socket. But this one is closed only when the peer has been told: if it does not read, all of it goes.
    const timer = systemClock.after(endTimeoutMs, () => this.#socket.destroy());
    stream.once("close", () => timer.cancel());
  }
}
