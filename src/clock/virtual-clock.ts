import type { Clock, Timer } from "./clock.ts";
import { TimerHeap } from "./timer-heap.ts";

interface Waiting {
  atMs: number;
  readonly order: number;
  readonly periodMs: number | undefined;
  readonly call: () => void;
  /** It goes when its time comes: most timers are deadlines, and are never due. */
  canceled: boolean;
}

/** A clock that moves only when told. */
export interface VirtualClock extends Clock {
  /** When the next timer is due, or undefined when there is none. */
  readonly nextAtMs: number | undefined;
  /** Moves to a time, which is not before now, and calls what is due by then, in order. Nothing is awaited between. */
  moveTo(atMs: number): void;
}

/** Starts at 0, on 1 January 2026. */
export function createVirtualClock(): VirtualClock {
  const startedAt = 1_767_225_600_000;
  let nowMs = 0;
  let order = 0;
  const waiting = new TimerHeap<Waiting>();

  function add(delayMs: number, periodMs: number | undefined, call: () => void): Timer {
    const entry: Waiting = { atMs: nowMs + Math.max(0, delayMs), order: order++, periodMs, call, canceled: false };
    waiting.add(entry);
    return {
      cancel: () => {
        entry.canceled = true;
      },
    };
  }

  function next(): Waiting | undefined {
    while (waiting.first?.canceled) waiting.takeFirst();
    return waiting.first;
  }

  return {
    now: () => nowMs,
    wallNow: () => startedAt + Math.floor(nowMs),
    after: (delayMs, call) => add(delayMs, undefined, call),
    every: (periodMs, call) => add(periodMs, Math.max(1, periodMs), call),
    soon: (call) => queueMicrotask(call),
    afterInput: (call) => queueMicrotask(call),
    get nextAtMs() {
      return next()?.atMs;
    },
    moveTo(atMs) {
      for (;;) {
        const entry = next();
        if (!entry || entry.atMs > atMs) break;
        nowMs = Math.max(nowMs, entry.atMs);
        waiting.takeFirst();
        if (entry.periodMs !== undefined) {
          entry.atMs += entry.periodMs;
          waiting.add(entry);
        }
        entry.call();
      }
      nowMs = Math.max(nowMs, atMs);
    },
  };
}
