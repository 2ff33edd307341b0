import type { Clock, Timer } from "./clock.ts";

/** Something with a time by which it must be over. */
export interface Due {
  /** On `clock.now()`. */
  readonly deadlineMs: number;
  /** Where it stands among the others: the sweep's own. */
  place?: number | undefined;
  /** The time has come. It is not in the sweep any more. @param nowMs When the sweep looked. */
  expire(nowMs: number): void;
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
  // Not a Set: where so many come and go, its tables outlive the young generation, and all that stood in them with it.
  const waiting: Due[] = [];
  let timer: Timer | undefined;
  // Nothing is due before. What is removed does not move it: one look too many costs little.
  let firstMs = Number.POSITIVE_INFINITY;

  const waits = (due: Due): boolean => due.place !== undefined && waiting[due.place] === due;

  function remove(due: Due): void {
    if (due.place === undefined || !waits(due)) return;
    const last = waiting.pop();
    if (last && last !== due) {
      waiting[due.place] = last;
      last.place = due.place;
    }
    due.place = undefined;
  }

  function rest(): void {
    if (waiting.length > 0) return;
    timer?.cancel();
    timer = undefined;
  }

  function sweep(): void {
    const now = clock.now();
    if (now < firstMs) return rest();
    const past = waiting.filter(({ deadlineMs }) => deadlineMs <= now);
    for (const due of past.sort((one, other) => one.deadlineMs - other.deadlineMs)) {
      // One may have ended another.
      if (!waits(due)) continue;
      remove(due);
      due.expire(now);
    }
    firstMs = waiting.reduce((first, { deadlineMs }) => Math.min(first, deadlineMs), Number.POSITIVE_INFINITY);
    rest();
  }

  return {
    add(due) {
      if (waits(due)) return;
      due.place = waiting.push(due) - 1;
      firstMs = Math.min(firstMs, due.deadlineMs);
      timer ??= clock.every(periodMs, sweep);
    },
    // The timer goes on until its next turn: calls come and go far more often than it fires.
    remove,
    get size() {
      return waiting.length;
    },
    clear() {
      for (const due of waiting.splice(0)) due.place = undefined;
      rest();
    },
  };
}

// By clock, so that nothing outlives the clock that it looks at.
const shared = new WeakMap<Clock, DeadlineSweep>();

/** The sweep that all share who have the same clock and clear nothing: thousands of clients in one process have one timer together. */
export function sharedDeadlineSweep(clock: Clock): Omit<DeadlineSweep, "clear"> {
  let sweep = shared.get(clock);
  if (!sweep) {
    sweep = createDeadlineSweep(clock);
    shared.set(clock, sweep);
  }
  return sweep;
}
