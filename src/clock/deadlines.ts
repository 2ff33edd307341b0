import type { Clock, Timer } from "./clock.ts";

/** Something with a time by which it must be over. */
export interface Due {
  /** On `clock.now()`. */
  readonly deadlineMs: number;
  /** The time has come. It is not in the sweep any more. */
  expire(): void;
}

/** One timer for many deadlines. They fire up to one period late, never early. */
export interface DeadlineSweep {
  add(due: Due): void;
  remove(due: Due): void;
  readonly size: number;
  /** Forgets all, and fires none. */
  clear(): void;
}

/** @param periodMs How often it looks, while there is anything to look at. The default is 50. */
export function createDeadlineSweep(clock: Clock, periodMs = 50): DeadlineSweep {
  const waiting = new Set<Due>();
  let timer: Timer | undefined;

  function rest(): void {
    if (waiting.size > 0) return;
    timer?.cancel();
    timer = undefined;
  }

  function sweep(): void {
    const now = clock.now();
    for (const due of waiting) {
      if (due.deadlineMs > now) continue;
      waiting.delete(due);
      due.expire();
    }
    rest();
  }

  return {
    add(due) {
      waiting.add(due);
      timer ??= clock.every(periodMs, sweep);
    },
    // The timer goes on until its next turn: calls come and go far more often than it fires.
    remove: (due) => void waiting.delete(due),
    get size() {
      return waiting.size;
    },
    clear() {
      waiting.clear();
      rest();
    },
  };
}
