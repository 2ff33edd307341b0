import type { Clock } from "../clock/index.ts";
import type { ByteStream } from "../net/index.ts";
import { envelopeHeaderBytes, maxEnvelopeBytes, writeEnvelopeHeader } from "./envelope.ts";
import type { LinkCounters } from "./link.ts";

/** Frames on their way to the stream: one write for all that a turn has sent, in its order. */
export class Outbox {
  readonly #clock: Clock;
  readonly #stream: ByteStream;
  readonly #counters: LinkCounters;
  readonly #written: () => void;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #flushing = false;

  /** @param written Called after what a turn has sent was written. */
  constructor(clock: Clock, stream: ByteStream, counters: LinkCounters, written: () => void) {
    this.#clock = clock;
    this.#stream = stream;
    this.#counters = counters;
    this.#written = written;
  }

  /** Bytes that the system has not taken yet. */
  get waitingBytes(): number {
    return this.#queuedBytes + this.#stream.queuedBytes;
  }

  /** @param frame As an element of `repeated Frame frames = 1`: batches are elements laid behind each other. */
  add(frame: Uint8Array): void {
    this.#queue.push(frame);
    this.#queuedBytes += frame.length;
    this.#counters.framesOut++;
    if (this.#flushing) return;
    this.#flushing = true;
    this.#clock.soon(() => {
      this.#flushing = false;
      this.flush();
    });
  }

  /** Writes what waits, now. */
  flush(): void {
    const queue = this.#queue;
    if (queue.length === 0) return;
    this.#queue = [];
    const bytes = new Uint8Array(this.#queuedBytes + envelopeHeaderBytes * queue.length);
    this.#queuedBytes = 0;
    let at = 0;
    let envelopeAt = 0;
    for (const frame of queue) {
      if (at === 0 || at - envelopeAt - envelopeHeaderBytes + frame.length > maxEnvelopeBytes) {
        if (at > 0) writeEnvelopeHeader(bytes, envelopeAt, 0, at - envelopeAt - envelopeHeaderBytes);
        envelopeAt = at;
        at += envelopeHeaderBytes;
      }
      bytes.set(frame, at);
      at += frame.length;
    }
    writeEnvelopeHeader(bytes, envelopeAt, 0, at - envelopeAt - envelopeHeaderBytes);
    this.#counters.bytesOut += at;
    this.#stream.write(bytes.subarray(0, at));
    this.#written();
  }

  /** Nothing more is written. */
  clear(): void {
    this.#queue = [];
    this.#queuedBytes = 0;
  }
}
