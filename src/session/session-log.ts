import type { LogBudget } from "./log-budget.ts";
import type { LogEntry } from "./log-entry.ts";
import { SentPackets } from "./sent-packets.ts";
import { WaitingEntries } from "./waiting-entries.ts";

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

// What an entry costs beside its body.
const entryBytes = 64;

/**
 * The one queue between everything that is sent to a session and its connection, and the history of what its client has not acknowledged.
 * Of `latest` only the newest of a key waits; above half the bound the oldest `droppable` goes first.
 */
export class SessionLog {
  // The only one that waits, as it mostly is: a push to many then touches one object of each log.
  #only: LogEntry | undefined;
  // How many wait.
  #count = 0;
  // Of what waits, and what is kept.
  #bytes = 0;
  // What is droppable does not wait for better times.
  #paused = false;
  // Both made when they are needed: most sessions are told little.
  #waiting: WaitingEntries | undefined;
  #sent: SentPackets | undefined;
  readonly #limits: LogLimits;
  readonly #keeps: boolean;
  readonly #budget: LogBudget | undefined;
  #dropped = 0;

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
    if (entry.delivery === "droppable") {
      if (this.#paused) {
        this.#gaveWay("pushesDropped");
        return true;
      }
      this.#queue(entry);
    } else if (this.#count === 0) this.#only = entry;
    else this.#queue(entry);
    this.#count++;
    this.#weigh(weightOf(entry));
    while (this.#waiting && this.#waiting.droppable > 0 && this.#over(0.5)) this.#drop(this.#waiting);
    return !this.#over(1);
  }

  /** Takes the first that waits, to be sent as one packet. */
  take(): LogEntry | undefined {
    const entry = this.#only ?? this.#waiting?.shift();
    if (!entry) return undefined;
    this.#only = undefined;
    this.#count--;
    this.#weigh(-weightOf(entry));
    if (this.#keeps) this.#keep(entry);
    return entry;
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
    while (this.#waiting && this.#waiting.droppable > 0) this.#drop(this.#waiting);
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
    for (const entry of [...again, ...this.#waits()].reverse()) {
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
    return [...(this.#sent?.after(received) ?? []), ...this.#waits()].filter((entry) => entry !== undefined);
  }

  /** Begins with what another log has had: the client has so many packets of it, and not these. */
  begin(received: number, entries: readonly LogEntry[]): void {
    this.#sent = new SentPackets(received);
    for (const entry of entries) this.add(entry);
  }

  clear(): void {
    this.#weigh(-this.#bytes);
    this.#count = 0;
    this.#only = this.#waiting = this.#sent = undefined;
  }

  /** All that waits, in order. */
  #waits(): readonly LogEntry[] {
    return this.#only ? [this.#only] : (this.#waiting?.all() ?? []);
  }

  /** Several wait, or one that may have to be taken out. */
  #queue(entry: LogEntry): void {
    this.#waiting ??= new WaitingEntries();
    if (this.#only) this.#waiting.push(this.#only);
    this.#only = undefined;
    const older = this.#waiting.push(entry);
    if (older) this.#left(older, "pushesCollapsed");
  }

  #drop(waiting: WaitingEntries): void {
    const oldest = waiting.drop();
    if (oldest) this.#left(oldest, "pushesDropped");
  }

  /** Something that waited did so in vain. */
  #left(entry: LogEntry, why: "pushesCollapsed" | "pushesDropped"): void {
    this.#count--;
    this.#weigh(-weightOf(entry));
    this.#gaveWay(why);
  }

  #gaveWay(why: "pushesCollapsed" | "pushesDropped"): void {
    this.#dropped++;
    if (this.#budget) this.#budget.counts[why]++;
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
}

function weightOf(entry: LogEntry): number {
  return entry.body.length + entryBytes;
}
