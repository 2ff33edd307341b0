import type { Clock, Timer } from "./clock.ts";

interface Waiting {
  atMs: number;
  readonly order: number;
  readonly periodMs: number | undefined;
  readonly call: () => void;
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
  const waiting = new Set<Waiting>();

  function add(delayMs: number, periodMs: number | undefined, call: () => void): Timer {
    const entry: Waiting = { atMs: nowMs + Math.max(0, delayMs), order: order++, periodMs, call };
    waiting.add(entry);
    return { cancel: () => void waiting.delete(entry) };
  }

  function next(): Waiting | undefined {
    let first: Waiting | undefined;
    for (const entry of waiting) {
      if (!first || entry.atMs < first.atMs || (entry.atMs === first.atMs && entry.order < first.order)) first = entry;
    }
    return first;
  }

  return {
    now: () => nowMs,
    wallNow: () => startedAt + Math.floor(nowMs),
    after: (delayMs, call) => add(delayMs, undefined, call),
    every: (periodMs, call) => add(periodMs, Math.max(1, periodMs), call),
    soon: (call) => queueMicrotask(call),
    get nextAtMs() {
      return next()?.atMs;
    },
    moveTo(atMs) {
      for (;;) {
        const entry = next();
        if (!entry || entry.atMs > atMs) break;
        nowMs = Math.max(nowMs, entry.atMs);
        if (entry.periodMs === undefined) waiting.delete(entry);
        else entry.atMs += entry.periodMs;
        entry.call();
      }
      nowMs = Math.max(nowMs, atMs);
    },
  };
}
