import type { DeadlineSweep, Due } from "../clock/index.ts";
import { NanoError } from "../error/index.ts";
import type { Outcome } from "./link.ts";
import { toBigint, toNumber } from "./wide.ts";

type Settle = (outcome: Outcome | NanoError) => void;

// More than one link ever has under way; whoever asks for more is in a loop.
const maxPending = 65_536;
const fewest = 16;

/** Answers that one link waits for. */
export class PendingCalls {
  // A call's place is its number, less what is over the length: half of them are free, so that the next number finds one soon. Not a Map: where so many
  // come and go, its tables outlive the young generation, and all that stood in them with it.
  #places: (Waiting | undefined)[] = new Array(fewest).fill(undefined);
  #size = 0;
  #next = 1;
  readonly #deadlines: DeadlineSweep;
  readonly #expired: (call: bigint) => void;

  /** @param expired A call's time is up: the peer may be told. */
  constructor(deadlines: DeadlineSweep, expired: (call: bigint) => void) {
    this.#deadlines = deadlines;
    this.#expired = expired;
  }

  get size(): number {
    return this.#size;
  }

  add(deadlineMs: number, settle: Settle): bigint {
    if (this.#size >= maxPending) {
      // Not within the call: whoever waits has not got the number yet.
      queueMicrotask(() => settle(new NanoError({ code: "resource_exhausted", message: "too many calls are under way" })));
      return toBigint(this.#next++);
    }
    if (this.#size * 2 >= this.#places.length) this.#grow();
    while (this.#places[this.#place(this.#next)]) this.#next++;
    const number = this.#next++;
    const waiting = new Waiting(this, number, deadlineMs, settle);
    this.#places[this.#place(number)] = waiting;
    this.#size++;
    this.#deadlines.add(waiting);
    return toBigint(number);
  }

  /** Whether anybody waits still. */
  has(call: bigint): boolean {
    return this.#find(call) !== undefined;
  }

  /** False where nobody waits. */
  settle(call: bigint, outcome: Outcome | NanoError): boolean {
    const waiting = this.#find(call);
    if (!waiting) return false;
    this.#deadlines.remove(waiting);
    this.#over(waiting, outcome);
    return true;
  }

  /** A call's time is up. */
  expire(waiting: Waiting): void {
    this.#over(waiting, new NanoError({ code: "deadline_exceeded", message: "the answer did not come in time" }));
    this.#expired(toBigint(waiting.number));
  }

  /** Its answer may come on another stream. */
  keep(call: bigint): void {
    const waiting = this.#find(call);
    if (waiting) waiting.kept = true;
  }

  /** In the order in which they were asked. @param all Also those that are kept. */
  fail(reason: NanoError, all: boolean): void {
    const failed = this.#places.filter((waiting) => waiting !== undefined && (all || !waiting.kept)) as Waiting[];
    for (const { number } of failed.sort((one, other) => one.number - other.number)) this.settle(toBigint(number), reason);
  }

  #over(waiting: Waiting, outcome: Outcome | NanoError): void {
    this.#places[this.#place(waiting.number)] = undefined;
    this.#size--;
    waiting.settle(outcome);
  }

  #find(call: bigint): Waiting | undefined {
    const number = toNumber(call);
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
class Waiting implements Due {
  readonly number: number;
  readonly deadlineMs: number;
  readonly settle: Settle;
  place: number | undefined;
  kept = false;
  readonly #calls: PendingCalls;

  constructor(calls: PendingCalls, number: number, deadlineMs: number, settle: Settle) {
    this.#calls = calls;
    this.number = number;
    this.deadlineMs = deadlineMs;
    this.settle = settle;
  }

  expire(): void {
    this.#calls.expire(this);
  }
}
