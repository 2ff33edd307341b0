import type { LogEntry } from "./log-entry.ts";

/** What a client was sent and has not said that it has: one place a packet, in order, counted from where the client counts. */
export class SentPackets {
  #entries: (LogEntry | undefined)[] = [];
  #head = 0;
  #first: number;

  /** @param first How many were sent and are not kept, elsewhere. */
  constructor(first = 0) {
    this.#first = first;
  }

  /** How many packets were sent. */
  get sent(): number {
    return this.#first + this.length;
  }

  /** How many of them are not kept any more. */
  get first(): number {
    return this.#first;
  }

  /** How many are kept. */
  get length(): number {
    return this.#entries.length - this.#head;
  }

  /** @param entry Undefined: the packet counts, and is never sent again. */
  push(entry: LogEntry | undefined): void {
    this.#entries.push(entry);
  }

  /** The last was not sent after all. */
  pop(): LogEntry | undefined {
    return this.#entries.pop();
  }

  /** Forgets the first that is kept. */
  shift(): LogEntry | undefined {
    const entry = this.#entries[this.#head];
    this.#entries[this.#head++] = undefined;
    this.#first++;
    if (this.#head === this.#entries.length) {
      this.#entries.length = 0;
      this.#head = 0;
    } else if (this.#head > 64 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
    return entry;
  }

  /** Those behind the first `count` packets. */
  after(count: number): readonly (LogEntry | undefined)[] {
    return this.#entries.slice(this.#head + count - this.#first);
  }
}
