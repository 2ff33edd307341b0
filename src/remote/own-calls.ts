import type { Clock } from "../clock/index.ts";

// How long calls to the own server may follow on each other before timers and input have their turn.
const mostMs = 10;

/**
 * Begins calls to the own server when the caller has gone on. They need no timer and no input, so a loop of them would let nothing else happen:
 * what begins when this went on for too long waits for the next turn.
 */
export function createOwnCalls(clock: Clock): (begin: () => void) => void {
  let sinceMs: number | undefined;
  let waiting: (() => void)[] = [];

  function turned(): void {
    const begins = waiting;
    sinceMs = undefined;
    waiting = [];
    for (const begin of begins) begin();
  }

  return (begin) => {
    const nowMs = clock.now();
    if (sinceMs === undefined) {
      sinceMs = nowMs;
      clock.after(0, turned, { keepAlive: true });
    }
    if (nowMs - sinceMs < mostMs) queueMicrotask(begin);
    else waiting.push(begin);
  };
}
