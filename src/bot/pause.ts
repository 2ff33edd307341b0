import type { Alarm, Sleeper } from "./alarm.ts";
import { ended } from "./meetings.ts";

/** The pauses of one bot. */
export interface Pauses {
  /** Resolves at a time on the alarm's clock. Rejects with `canceled` when the bot has to go. */
  until(atMs: number): Promise<void>;
}

/**
 * One of them. Thousands of bots rest at any time, for longer than the young generation lasts: all that a pause is made of is moved twice, so it is one object
 * beside its promise.
 */
class Pause implements Sleeper {
  readonly atMs: number;
  order = 0;
  /** Where it stands among those of its bot. */
  place: number;
  readonly all: Pause[];
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;

  constructor(atMs: number, all: Pause[], resolve: () => void, reject: (reason: unknown) => void) {
    this.atMs = atMs;
    this.place = all.push(this) - 1;
    this.all = all;
    this.resolve = resolve;
    this.reject = reject;
  }

  wake(): void {
    const { all, place } = this;
    // It was given up.
    if (all[place] !== this) return;
    const last = all.pop();
    if (last && last !== this) {
      all[place] = last;
      last.place = place;
    }
    this.resolve();
  }
}

export function createPauses(alarm: Alarm, signal: AbortSignal): Pauses {
  const all: Pause[] = [];
  // One listener for all that a bot ever waits for.
  const leave = (): void => {
    for (const { reject } of all.splice(0)) reject(ended());
  };
  signal.addEventListener("abort", leave, { once: true });
  return {
    until: (atMs) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(ended());
        alarm.add(new Pause(atMs, all, resolve, reject));
      }),
  };
}
