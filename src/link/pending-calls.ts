import type { DeadlineSweep, Due } from "../clock/index.ts";
import { NanoError } from "../error/index.ts";
import type { Outcome } from "./link.ts";

type Settle = (outcome: Outcome | NanoError) => void;

// More than one link ever has under way; whoever asks for more is in a loop.
const maxPending = 65_536;
const fewest = 16;

/** Answers that one link waits for. Together they have one place in the sweep: nearly all of them come long before they are due. */
export class PendingCalls implements Due {
  /** When it has to look. No call is due before. */
  deadlineMs = Number.POSITIVE_INFINITY;
  place: number | undefined;
  // A call's place is its number, less what is over the length: half of them are free, so that the next number finds one soon. Not a Map: where so many
  // come and go, its tables outlive the young generation, and all that stood in them with it.
  #places: (Waiting | undefined)[] = new Array(fewest).fill(undefined);
  #size = 0;
  #next = 1;
  readonly #deadlines: DeadlineSweep;
  readonly #expired: (call: number) => void;

  /** @param expired A call's time is up: the peer may be told. */
  constructor(deadlines: DeadlineSweep, expired: (call: number) => void) {
    this.#deadlines = deadlines;
    this.#expired = expired;
  }

  get size(): number {
    return this.#size;
  }

  add(deadlineMs: number, settle: Settle): number {
    if (this.#size >= maxPending) {
      // Not within the call: whoever waits has not got the number yet.
      queueMicrotask(() => settle(new NanoError({ code: "resource_exhausted", message: "too many calls are under way" })));
      return this.#next++;
    }
    if (this.#size * 2 >= this.#places.length) this.#grow();
    while (this.#places[this.#place(this.#next)]) this.#next++;
    const number = this.#next++;
    this.#places[this.#place(number)] = { number, deadlineMs, settle, kept: false };
    this.#size++;
    if (deadlineMs < this.deadlineMs) this.#lookAt(deadlineMs);
    return number;
  }

  /** Whether anybody waits still. */
  has(call: number): boolean {
    return this.#find(call) !== undefined;
  }

  /** False where nobody waits. */
  settle(call: number, outcome: Outcome | NanoError): boolean {
    const waiting = this.#find(call);
    if (!waiting) return false;
    this.#over(waiting, outcome);
    return true;
  }

  /** Ends the calls whose time is up, the one that was due first before the others. */
  expire(nowMs: number): void {
    this.deadlineMs = Number.POSITIVE_INFINITY;
    const waiting = this.#places.filter((one) => one !== undefined);
    const left = waiting.reduce(
      (first, { deadlineMs }) => (deadlineMs > nowMs ? Math.min(first, deadlineMs) : first),
      this.deadlineMs,
    );
    if (left < this.deadlineMs) this.#lookAt(left);
    const past = waiting.filter(({ deadlineMs }) => deadlineMs <= nowMs).sort((one, other) => one.deadlineMs - other.deadlineMs);
    for (const { number: call } of past) {
      // One may have ended another.
      if (!this.settle(call, new NanoError({ code: "deadline_exceeded", message: "the answer did not come in time" }))) continue;
      this.#expired(call);
    }
  }

  /** Its answer may come on another stream. */
  keep(call: number): void {
    const waiting = this.#find(call);
    if (waiting) waiting.kept = true;
  }

  /** In the order in which they were asked. @param all Also those that are kept. */
  fail(reason: NanoError, all: boolean): void {
    const failed = this.#places.filter((waiting) => waiting !== undefined && (all || !waiting.kept)) as Waiting[];
    for (const { number } of failed.sort((one, other) => one.number - other.number)) this.settle(number, reason);
    // Nobody is left to look for: a link that is over stays in no sweep.
    if (this.#size > 0) return;
    this.#deadlines.remove(this);
    this.deadlineMs = Number.POSITIVE_INFINITY;
  }

  #lookAt(deadlineMs: number): void {
    this.#deadlines.remove(this);
    this.deadlineMs = deadlineMs;
    this.#deadlines.add(this);
  }

  #over(waiting: Waiting, outcome: Outcome | NanoError): void {
    this.#places[this.#place(waiting.number)] = undefined;
    this.#size--;
    waiting.settle(outcome);
  }

  #find(number: number): Waiting | undefined {
    const waiting = this.#places[this.#place(number)];
    return waiting?.number === number ? waiting : undefined;
  }

  // The length is a power of two.
  #place(number: number): number {
    return number & (this.#places.length - 1);
  }

  #grow(): void {
    const before = this.#places;
    this.#places = new Array(before.length * 2).fill(undefined);
    for (const waiting of before) if (waiting) this.#places[this.#place(waiting.number)] = waiting;
  }
}

/** One that is waited for. */
interface Waiting {
  readonly number: number;
  readonly deadlineMs: number;
  readonly settle: Settle;
  /** Whether its answer may come on another stream. */
  kept: boolean;
}
