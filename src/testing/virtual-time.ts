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

// Work goes from promise to tick to promise: at rest is what stays so for some turns. Between two timers one is enough: all promises and ticks are through then.
const quietTurns = 3;
const quietTurnsBetween = 1;
const maxTurns = 64;
const maxDriveMs = 60_000;

/** @param arriving What comes though the clock stands. */
export function createVirtualTime(clock: VirtualClock, arriving: () => number): VirtualTime {
  async function settle(quietEnough = quietTurns): Promise<void> {
    let quiet = 0;
    for (let turns = 0; quiet < quietEnough && turns < maxTurns; turns++) {
      await turn();
      quiet = arriving() > 0 ? 0 : quiet + 1;
    }
  }

  /** The next timer by then, when all that comes before it has happened. What others drive, too, may set one a few turns later. */
  async function next(untilMs: number): Promise<number | undefined> {
    await settle(quietTurnsBetween);
    const due = (): boolean => clock.nextAtMs !== undefined && clock.nextAtMs <= untilMs;
    if (!due()) await settle();
    return due() ? clock.nextAtMs : undefined;
  }

  return {
    settle: () => settle(),
    async advance(ms) {
      const untilMs = clock.now() + ms;
      for (let atMs = await next(untilMs); atMs !== undefined; atMs = await next(untilMs)) clock.moveTo(atMs);
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
        await settle(quietTurnsBetween);
        if (over) return promise;
        const atMs = await next(untilMs);
        if (over) return promise;
        if (atMs === undefined) throw new Error(`nothing came of it within ${maxDriveMs} ms of virtual time`);
        clock.moveTo(atMs);
      }
    },
  };
}
