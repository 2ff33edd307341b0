import { type Clock, type Timed, type Timer, TimerHeap } from "../clock/index.ts";

/** Someone who sleeps until a time on `clock.now()`. */
export interface Sleeper extends Timed {
  /** The alarm's own. */
  order: number;
  wake(): void;
}

/** Wakes many at their times, by one timer: thousands of bots that think would be thousands of timers. */
export interface Alarm {
  /** Wakes once. There is no way back: whoever does not care any more does nothing then. */
  add(sleeper: Sleeper): void;
}

/** Nobody sleeps. */
export function createAlarm(clock: Clock): Alarm {
  const sleepers = new TimerHeap<Sleeper>();
  let timer: Timer | undefined;
  let setMs = Number.POSITIVE_INFINITY;
  let order = 0;

  function ring(): void {
    timer = undefined;
    setMs = Number.POSITIVE_INFINITY;
    const now = clock.now();
    for (let { first } = sleepers; first && first.atMs <= now; { first } = sleepers) {
      sleepers.takeFirst();
      first.wake();
    }
    set();
  }

  function set(): void {
    const { first } = sleepers;
    if (!first || first.atMs >= setMs) return;
    timer?.cancel();
    setMs = first.atMs;
    timer = clock.after(Math.max(0, setMs - clock.now()), ring);
  }

  return {
    add(sleeper) {
      sleeper.order = order++;
      sleepers.add(sleeper);
      set();
    },
  };
}
