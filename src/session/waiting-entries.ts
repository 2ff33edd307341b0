import type { LogEntry } from "./log-entry.ts";

// How many holes stay among those that wait, beside as many as these are.
const mostHoles = 256;

/** Several entries that wait to be sent, in order. Of `latest` only the newest of a key does; what is droppable can be taken out. */
export class WaitingEntries {
  #entries: (LogEntry | undefined)[] = [];
  #head = 0;
  #length = 0;
  #droppable = 0;
  #latest: Map<string, LogEntry> | undefined;

  /** How many of them are droppable. */
  get droppable(): number {
    return this.#droppable;
  }

  /** Adds at the end. Gives the older one of `latest` that gave way. */
  push(entry: LogEntry): LogEntry | undefined {
    let older: LogEntry | undefined;
    if (entry.delivery === "latest") {
      this.#latest ??= new Map();
      older = this.#latest.get(entry.key);
      if (older) this.#remove(this.#entries.indexOf(older, this.#head), older);
      this.#latest.set(entry.key, entry);
    }
    this.#entries.push(entry);
    this.#length++;
    if (entry.delivery === "droppable") this.#droppable++;
    return older;
  }

  /** Takes the first. */
  shift(): LogEntry | undefined {
    while (this.#head < this.#entries.length) {
      const entry = this.#entries[this.#head];
      this.#entries[this.#head++] = undefined;
      if (this.#head > 1_024 && this.#head * 2 > this.#entries.length) this.#compact();
      if (!entry) continue;
      this.#forget(entry);
      if (this.#length === 0) this.#reset();
      return entry;
    }
    this.#reset();
    return undefined;
  }

  /** Takes the oldest that is droppable. */
  drop(): LogEntry | undefined {
    const at = this.#entries.findIndex((entry) => entry?.delivery === "droppable");
    const oldest = this.#entries[at];
    if (oldest) this.#remove(at, oldest);
    return oldest;
  }

  /** All of them, in order. */
  all(): readonly LogEntry[] {
    return this.#entries.filter((entry) => entry !== undefined);
  }

  #remove(at: number, entry: LogEntry): void {
    this.#entries[at] = undefined;
    this.#forget(entry);
    // What gives way leaves a hole, and a slow reader takes none away.
    if (this.#entries.length > 2 * this.#length + mostHoles) this.#compact();
  }

  #forget(entry: LogEntry): void {
    this.#length--;
    if (entry.delivery === "droppable") this.#droppable--;
    if (this.#latest?.get(entry.key) === entry) this.#latest.delete(entry.key);
  }

  #compact(): void {
    this.#entries = this.#entries.filter((entry) => entry !== undefined);
    this.#head = 0;
  }

  /** Nothing is there: what is left are holes. */
  #reset(): void {
    if (this.#entries.length > 0) this.#entries.length = 0;
    this.#head = 0;
  }
}
