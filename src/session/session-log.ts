import type { DescMessage } from "@bufbuild/protobuf";
import type { Delivery } from "../contract/index.ts";
import type { NanoError } from "../error/index.ts";

/** What a client gets as Data, before anything is framed: whoever writes applies encoding, codes and compression. */
export interface LogEntry {
  readonly kind: "answer" | "failure" | "push";
  /** The request's id; 0 for a push. */
  readonly id: number;
  /** The push's route; of an answer the request's. */
  readonly route: string;
  /** Protobuf. Shared between sessions: never changed. */
  readonly body: Uint8Array;
  /** Of an answer whose route is in no schema: what it is. */
  readonly schema?: DescMessage;
  /** Of a failure. */
  readonly error: NanoError | undefined;
  readonly delivery: Delivery;
  /** With `latest`: what the newest replaces. */
  readonly key: string;
}

/** What a log may hold. */
export interface LogLimits {
  /** The default is 1,024. */
  readonly messages: number;
  /** The default is 1 MiB. */
  readonly bytes: number;
}

// How many holes stay in a log, beside as many as it has entries.
const mostHoles = 256;

// What an entry costs beside its body.
const entryBytes = 64;

/**
 * The one queue between everything that is sent to a session and its connection.
 * Of `latest` only the newest of a key waits; above half the bound the oldest `droppable` goes first.
 */
export class SessionLog {
  #entries: (LogEntry | undefined)[] = [];
  #head = 0;
  #count = 0;
  #bytes = 0;
  #droppable = 0;
  #dropped = 0;
  #latest: Map<string, LogEntry> | undefined;
  readonly #limits: LogLimits;

  constructor(limits: LogLimits) {
    this.#limits = limits;
  }

  get length(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Which of its bounds it is over, if any. */
  get over(): keyof LogLimits | undefined {
    if (this.#count > this.#limits.messages) return "messages";
    return this.#bytes > this.#limits.bytes ? "bytes" : undefined;
  }

  /** How many pushes gave way, ever. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Adds at the end. False when the log is full: the reader is too slow. */
  add(entry: LogEntry): boolean {
    if (entry.delivery === "latest") {
      this.#latest ??= new Map();
      const older = this.#latest.get(entry.key);
      if (older) this.#remove(older);
      this.#latest.set(entry.key, entry);
    }
    this.#entries.push(entry);
    this.#count++;
    this.#bytes += entry.body.length + entryBytes;
    if (entry.delivery === "droppable") this.#droppable++;
    while (this.#droppable > 0 && this.#over(0.5)) this.#dropOldest();
    return !this.#over(1);
  }

  /** Takes the first away. */
  take(): LogEntry | undefined {
    while (this.#head < this.#entries.length) {
      const entry = this.#entries[this.#head];
      this.#entries[this.#head++] = undefined;
      if (this.#head > 1_024 && this.#head * 2 > this.#entries.length) {
        this.#entries = this.#entries.slice(this.#head);
        this.#head = 0;
      }
      if (entry) {
        this.#forget(entry);
        return entry;
      }
    }
    this.#entries.length = 0;
    this.#head = 0;
    return undefined;
  }

  clear(): void {
    this.#entries = [];
    this.#head = this.#count = this.#bytes = this.#droppable = 0;
    this.#latest = undefined;
  }

  #over(part: number): boolean {
    return this.#count > this.#limits.messages * part || this.#bytes > this.#limits.bytes * part;
  }

  #dropOldest(): void {
    const oldest = this.#entries.find((entry) => entry?.delivery === "droppable");
    if (oldest) this.#remove(oldest);
  }

  #remove(entry: LogEntry): void {
    const at = this.#entries.indexOf(entry, this.#head);
    if (at < 0) return;
    this.#entries[at] = undefined;
    this.#dropped++;
    this.#forget(entry);
    // What gives way leaves a hole, and a slow reader takes none away.
    if (this.#entries.length > 2 * this.#count + mostHoles) {
      this.#entries = this.#entries.filter((one) => one !== undefined);
      this.#head = 0;
    }
  }

  #forget(entry: LogEntry): void {
    this.#count--;
    this.#bytes -= entry.body.length + entryBytes;
    if (entry.delivery === "droppable") this.#droppable--;
    if (this.#latest?.get(entry.key) === entry) this.#latest.delete(entry.key);
  }
}
