import type { DeadlineSweep, Due } from "../clock/index.ts";
import { NanoError } from "../error/index.ts";
import type { Outcome } from "./link.ts";

type Settle = (outcome: Outcome | NanoError) => void;

// More than one link ever has under way; whoever asks for more is in a loop.
const maxPending = 65_536;

/** Answers that one link waits for. */
export class PendingCalls {
  readonly #waiting = new Map<bigint, Waiting>();
  readonly #deadlines: DeadlineSweep;
  readonly #expired: (call: bigint) => void;
  #next = 1n;

  /** @param expired A call's time is up: the peer may be told. */
  constructor(deadlines: DeadlineSweep, expired: (call: bigint) => void) {
    this.#deadlines = deadlines;
    this.#expired = expired;
  }

  get size(): number {
    return this.#waiting.size;
  }

  add(deadlineMs: number, settle: Settle): bigint {
    const call = this.#next++;
    if (this.#waiting.size >= maxPending) {
      // Not within the call: whoever waits has not got the number yet.
      queueMicrotask(() => settle(new NanoError({ code: "resource_exhausted", message: "too many calls are under way" })));
      return call;
    }
    const waiting: Waiting = {
      deadlineMs,
      settle,
      kept: false,
      expire: () => {
        this.#waiting.delete(call);
        settle(new NanoError({ code: "deadline_exceeded", message: "the answer did not come in time" }));
        this.#expired(call);
      },
    };
    this.#waiting.set(call, waiting);
    this.#deadlines.add(waiting);
    return call;
  }

  /** False where nobody waits. */
  settle(call: bigint, outcome: Outcome | NanoError): boolean {
    const waiting = this.#waiting.get(call);
    if (!waiting) return false;
    this.#waiting.delete(call);
    this.#deadlines.remove(waiting);
    waiting.settle(outcome);
    return true;
  }

  /** Its answer may come on another stream. */
  keep(call: bigint): void {
    const waiting = this.#waiting.get(call);
    if (waiting) waiting.kept = true;
  }

  /** @param all Also those that are kept. */
  fail(reason: NanoError, all: boolean): void {
    for (const [call, { kept }] of [...this.#waiting]) if (all || !kept) this.settle(call, reason);
  }
}

interface Waiting extends Due {
  readonly settle: Settle;
  kept: boolean;
}
