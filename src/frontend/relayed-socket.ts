import type { AcceptedSocket, SocketEvents } from "../acceptor/index.ts";
import type { RelayEnd, RelayPart, RelayWindow } from "./relay-window.ts";

// A socket's own buffer, as it were.
const highWaterBytes = 64 * 1_024;

/** The end of a relay that has the session: the client's socket, as far as it can be seen from here. */
export class RelayedSocket implements AcceptedSocket, RelayEnd {
  readonly remoteAddress: string;
  readonly #window: RelayWindow;
  #events: SocketEvents | undefined;
  #ended = false;

  constructor(remoteAddress: string, window: RelayWindow) {
    this.remoteAddress = remoteAddress;
    this.#window = window;
  }

  /** Who hears it. */
  set events(events: SocketEvents) {
    this.#events = events;
    // Whoever may not come in is told so before.
    if (this.#ended) this.#close();
  }

  get queuedBytes(): number {
    return this.#window.queuedBytes;
  }

  write(bytes: Uint8Array): boolean {
    if (this.#ended) return false;
    if (!this.#window.send(bytes)) this.destroy();
    return this.queuedBytes < highWaterBytes;
  }

  end(): void {
    this.#ended = true;
    this.#window.over(false);
    this.#close();
  }

  destroy(): void {
    this.#ended = true;
    this.#window.over(true);
    this.#close();
  }

  take({ bytes, over }: RelayPart): void {
    if (bytes.length > 0 && !this.#ended) {
      this.#events?.data(bytes);
      this.#window.tell();
    }
    if (over) this.destroy();
  }

  drained(): void {
    if (!this.#ended && this.queuedBytes < highWaterBytes) this.#events?.drain();
  }

  broken(): void {
    this.destroy();
  }

  /** Whoever closes it does not expect to hear of it meanwhile. */
  #close(): void {
    const events = this.#events;
    this.#events = undefined;
    if (events) queueMicrotask(() => events.closed());
  }
}
