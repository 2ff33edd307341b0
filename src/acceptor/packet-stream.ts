import type { ByteStream, StreamEvents } from "../net/index.ts";
import type { Accept, AcceptedSocket } from "./acceptor.ts";
import { webSocketFraming } from "./web-socket-framing.ts";

/** Hands a WebSocket over: one packet a message. Whoever sends anything else is told so by the frontend. */
export function acceptPackets(stream: ByteStream, accept: Accept): StreamEvents {
  return accept(new PacketStream(stream));
}

class PacketStream implements AcceptedSocket {
  readonly #stream: ByteStream;

  constructor(stream: ByteStream) {
    this.#stream = stream;
  }

  get remoteAddress(): string {
    return this.#stream.remoteAddress;
  }

  get framing(): typeof webSocketFraming {
    return webSocketFraming;
  }

  get queuedBytes(): number {
    return this.#stream.queuedBytes;
  }

  write(bytes: Uint8Array): boolean {
    return this.#stream.write(bytes);
  }

  end(): void {
    this.#stream.end();
  }

  destroy(): void {
    this.#stream.destroy();
  }
}
