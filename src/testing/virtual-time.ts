import { turn, type VirtualClock } from "../clock/index.ts";

/** Moves a virtual clock, and lets everything happen that follows. */
export interface VirtualTime {
  /** Waits, without moving the clock, until nothing happens any more. */
  settle(): Promise<void>;
  /** Moves the clock, timer by timer, until everything that follows has happened. */
  advance(ms: number): Promise<void>;
  /** Moves the clock as far as a promise needs to settle, for at most a minute of its time; then it rejects. */
  drive<T>(promise: Promise<T>): Promise<T>;
}

// Work goes from promise to tick to promise: at rest is what stays so for some turns.
const quietTurns = 3;
const maxTurns = 64;
const maxDriveMs = 60_000;

/** @param underway Bytes that are on their way without a timer. */
export function createVirtualTime(clock: VirtualClock, underway: () => number): VirtualTime {
  async function settle(): Promise<void> {
    let quiet = 0;
    // With latency set, bytes under way wait for the clock: turns alone do not bring them.
    for (let turns = 0; quiet < quietTurns && turns < maxTurns; turns++) {
      await turn();
      quiet = underway() > 0 ? 0 : quiet + 1;
    }
  }

  return {
    settle,
    async advance(ms) {
      const untilMs = clock.now() + ms;
      for (;;) {
        await settle();
        const { nextAtMs } = clock;
        if (nextAtMs === undefined || nextAtMs > untilMs) break;
        clock.moveTo(nextAtMs);
      }
      clock.moveTo(untilMs);
      await settle();
    },
    async drive<T>(promise: Promise<T>): Promise<T> {
      let over = false;
      const end = (): void => {
        over = true;
      };
      promise.then(end, end);
      const untilMs = clock.now() + maxDriveMs;
      for (;;) {
        await settle();
        if (over) return promise;
        const { nextAtMs } = clock;
        if (nextAtMs === undefined || nextAtMs > untilMs)
          throw new Error(`nothing came of it within ${maxDriveMs} ms of virtual time`);
        clock.moveTo(nextAtMs);
      }
    },
  };
}
