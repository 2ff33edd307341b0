import type { Clock } from "./clock.ts";

/** A clock that can be stopped for whoever has it: what it would call is not called any more. */
export interface StoppableClock extends Clock {
  stop(): void;
}

/** The face of a clock for something that may be killed. */
export function createStoppableClock(clock: Clock): StoppableClock {
  let stopped = false;
  const unless =
    (call: () => void): (() => void) =>
    () => {
      if (!stopped) call();
    };
  return {
    now: () => clock.now(),
    wallNow: () => clock.wallNow(),
    after: (delayMs, call, options) => clock.after(delayMs, unless(call), options),
    every: (periodMs, call) => clock.every(periodMs, unless(call)),
    soon: (call) => clock.soon(unless(call)),
    afterInput: (call) => clock.afterInput(unless(call)),
    stop: () => {
      stopped = true;
    },
  };
}
