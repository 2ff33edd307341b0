import { type Clock, type Timed, type Timer, TimerHeap } from "../clock/index.ts";

/** Wakes many at their times, by one timer: thousands of bots that think would be thousands of timers. */
export interface Alarm {
  /** Calls once, at a time on `clock.now()`. What it gives can be cancelled. */
  at(dueMs: number, call: () => void): Timer;
}

interface Waiting extends Timed {
  /** Undefined: cancelled. It goes when its time comes. */
  call: (() => void) | undefined;
}

/** Nothing waits. */
export function createAlarm(clock: Clock): Alarm {
  const waiting = new TimerHeap<Waiting>();
  let timer: Timer | undefined;
  let setMs = Number.POSITIVE_INFINITY;
  let order = 0;

  function ring(): void {
    timer = undefined;
    setMs = Number.POSITIVE_INFINITY;
    const now = clock.now();
    for (let { first } = waiting; first && first.atMs <= now; { first } = waiting) {
      waiting.takeFirst();
      first.call?.();
    }
    set();
  }

  function set(): void {
    const { first } = waiting;
    if (!first || first.atMs >= setMs) return;
    timer?.cancel();
    setMs = first.atMs;
    timer = clock.after(Math.max(0, setMs - clock.now()), ring);
  }

  return {
    at(dueMs, call) {
      const one: Waiting = { atMs: dueMs, order: order++, call };
      waiting.add(one);
      set();
      return {
        cancel() {
          one.call = undefined;
        },
      };
    },
  };
}
