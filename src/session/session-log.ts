import type { DescMessage } from "@bufbuild/protobuf";
import type { Delivery } from "../contract/index.ts";
import type { NanoError } from "../error/index.ts";
import type { LogBudget } from "./log-budget.ts";
import { SentPackets } from "./sent-packets.ts";

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

/** What a log keeps beside what waits. */
export interface LogOptions {
  /** Whether what was sent is kept until the client says that it has it. The default is false. */
  readonly keeps?: boolean;
  /** What all logs hold together. The default is nobody's. */
  readonly budget?: LogBudget;
}

// How many holes stay in a log, beside as many as it has entries.
const mostHoles = 256;

// What an entry costs beside its body.
const entryBytes = 64;

/**
 * The one queue between everything that is sent to a session and its connection, and the history of what its client has not acknowledged.
 * Of `latest` only the newest of a key waits; above half the bound the oldest `droppable` goes first.
 */
export class SessionLog {
  // What is droppable does not wait for better times.
  #paused = false;
  #entries: (LogEntry | undefined)[] = [];
  #head = 0;
  // What waits.
  #count = 0;
  // What waits, and what is kept.
  #bytes = 0;
  #droppable = 0;
  #dropped = 0;
  #latest: Map<string, LogEntry> | undefined;
  // Made when it is needed: most sessions are told little.
  #sent: SentPackets | undefined;
  readonly #limits: LogLimits;
  readonly #keeps: boolean;
  readonly #budget: LogBudget | undefined;

  constructor(limits: LogLimits, { keeps = false, budget }: LogOptions = {}) {
    this.#limits = limits;
    this.#keeps = keeps;
    this.#budget = budget;
  }

  /** How many entries wait to be sent. */
  get length(): number {
    return this.#count;
  }

  /** Of all that it holds. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Which of its bounds it is over, if any. */
  get over(): keyof LogLimits | undefined {
    if (this.#count + this.#kept > this.#limits.messages) return "messages";
    return this.#bytes > this.#limits.bytes ? "bytes" : undefined;
  }

  /** How many pushes gave way, ever. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Adds at the end. False when the log is full: the reader is too slow. */
  add(entry: LogEntry): boolean {
    if (entry.delivery === "droppable" && this.#paused) {
      this.#dropped++;
      if (this.#budget) this.#budget.counts.pushesDropped++;
      return true;
    }
    if (entry.delivery === "latest") {
      this.#latest ??= new Map();
      const older = this.#latest.get(entry.key);
      if (older) {
        this.#remove(older);
        if (this.#budget) this.#budget.counts.pushesCollapsed++;
      }
      this.#latest.set(entry.key, entry);
    }
    this.#entries.push(entry);
    this.#count++;
    this.#weigh(weightOf(entry));
    if (entry.delivery === "droppable") this.#droppable++;
    while (this.#droppable > 0 && this.#over(0.5)) this.#dropOldest();
    return !this.#over(1);
  }

  /** Takes the first that waits, to be sent as one packet. */
  take(): LogEntry | undefined {
    while (this.#head < this.#entries.length) {
      const entry = this.#takeFirst();
      if (this.#head > 1_024 && this.#head * 2 > this.#entries.length) {
        this.#entries = this.#entries.slice(this.#head);
        this.#head = 0;
      }
      if (entry) {
        this.#forget(entry);
        if (this.#count === 0) this.#reset();
        if (this.#keeps) this.#keep(entry);
        return entry;
      }
    }
    this.#reset();
    return undefined;
  }

  /** Something was sent without waiting here: it is kept as if it had been taken. False when the log is full. */
  passed(entry: LogEntry): boolean {
    this.#keep(entry);
    return !this.#over(1);
  }

  /** What was taken last could not be sent, and is no packet. */
  unsent(): void {
    const entry = this.#sent?.pop();
    if (entry) this.#weigh(-weightOf(entry));
  }

  /** How many packets the client is known to have, or has to have to come back. */
  get acknowledged(): number {
    return this.#sent?.first ?? 0;
  }

  /** The client has so many packets. False where it was not sent as many. */
  acknowledge(count: number): boolean {
    const sent = this.#sent;
    if (count > (sent?.sent ?? 0)) return false;
    while (sent && sent.first < count) this.#forgetFirst(sent);
    return true;
  }

  /** Makes room by what was sent and not acknowledged, oldest first. A client that turns out not to have it cannot come back. */
  forgetSent(): void {
    const sent = this.#sent;
    while (sent && sent.length > 0 && this.over !== undefined) this.#forgetFirst(sent);
  }

  /** Nothing is sent for now. */
  pause(): void {
    this.#paused = true;
    while (this.#droppable > 0) this.#dropOldest();
  }

  /** Whether it has all that comes behind so many packets. */
  reaches(received: number): boolean {
    const { first = 0, sent = 0 } = this.#sent ?? {};
    return received >= first && received <= sent;
  }

  /** Whether a client that has so many packets has not got all that it holds. */
  hasBehind(received: number): boolean {
    return this.#count > 0 || (this.#sent?.after(received) ?? []).some((entry) => entry !== undefined);
  }

  /** The client is back and has so many packets: the others wait again, before what has waited, and both sides count from 0. Gives how many there are. */
  resume(received: number): number {
    const again = this.#sent?.after(received) ?? [];
    const newest = new Set<string>();
    const entries: LogEntry[] = [];
    for (const entry of [...again, ...this.#entries.slice(this.#head)].reverse()) {
      if (!entry) continue;
      if (entry.delivery === "latest") {
        if (newest.has(entry.key)) continue;
        newest.add(entry.key);
      }
      entries.push(entry);
    }
    const before = this.#count + again.filter((entry) => entry !== undefined).length;
    this.clear();
    this.#paused = false;
    for (const entry of entries.reverse()) this.add(entry);
    if (this.#budget) {
      const { counts } = this.#budget;
      counts.pushesCollapsed += before - entries.length;
      for (const { kind, delivery } of entries) if (kind === "push") counts.pushesReplayed[delivery]++;
    }
    return entries.length;
  }

  /** What a client that has so many packets has not got, in order. */
  behind(received: number): readonly LogEntry[] {
    const all = [...(this.#sent?.after(received) ?? []), ...this.#entries.slice(this.#head)];
    return all.filter((entry) => entry !== undefined);
  }

  /** Begins with what another log has had: the client has so many packets of it, and not these. */
  begin(received: number, entries: readonly LogEntry[]): void {
    this.#sent = new SentPackets(received);
    for (const entry of entries) this.add(entry);
  }

  clear(): void {
    this.#weigh(-this.#bytes);
    this.#entries = [];
    this.#head = this.#count = this.#droppable = 0;
    this.#latest = undefined;
    this.#sent = undefined;
  }

  #takeFirst(): LogEntry | undefined {
    // The only one, as it mostly is: the array keeps its room for the next.
    if (this.#entries.length === 1) return this.#entries.pop();
    const entry = this.#entries[this.#head];
    this.#entries[this.#head++] = undefined;
    return entry;
  }

  /** Nothing waits: what is left are holes. */
  #reset(): void {
    if (this.#entries.length > 0) this.#entries.length = 0;
    this.#head = 0;
  }

  get #kept(): number {
    return this.#sent?.length ?? 0;
  }

  #over(part: number): boolean {
    return this.#count + this.#kept > this.#limits.messages * part || this.#bytes > this.#limits.bytes * part;
  }

  #keep(entry: LogEntry): void {
    this.#sent ??= new SentPackets();
    // What is droppable is not sent again, but its packet counts.
    if (entry.delivery === "droppable") return this.#sent.push(undefined);
    this.#sent.push(entry);
    this.#weigh(weightOf(entry));
  }

  #forgetFirst(sent: SentPackets): void {
    const entry = sent.shift();
    if (entry) this.#weigh(-weightOf(entry));
  }

  #weigh(bytes: number): void {
    this.#bytes += bytes;
    if (this.#budget) this.#budget.bytes += bytes;
  }

  #dropOldest(): void {
    const oldest = this.#entries.find((entry) => entry?.delivery === "droppable");
    if (!oldest) return;
    this.#remove(oldest);
    if (this.#budget) this.#budget.counts.pushesDropped++;
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
    this.#weigh(-weightOf(entry));
    if (entry.delivery === "droppable") this.#droppable--;
    if (this.#latest?.get(entry.key) === entry) this.#latest.delete(entry.key);
  }
}

function weightOf(entry: LogEntry): number {
  return entry.body.length + entryBytes;
}
