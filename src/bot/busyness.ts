import { performance } from "node:perf_hooks";

/** How long a process was busy, in milliseconds, and of how long. */
export interface Busyness {
  readonly busyMs: number;
  readonly ofMs: number;
}

/** How busy a process may be, from 0 to 1, before what it measures is itself. */
export const mostBusy = 0.9;

// In less, a process is busy with its own beginning.
const leastMs = 2_000;

/** How busy this process is: each time since it was last asked, at first since now. */
export function watchBusyness(): () => Busyness {
  let before = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { active, idle } = performance.eventLoopUtilization(now, before);
    before = now;
    return { busyMs: active, ofMs: active + idle };
  };
}

/** From 0 to 1. */
export function shareOf({ busyMs, ofMs }: Busyness): number {
  return ofMs > 0 ? Math.min(1, busyMs / ofMs) : 0;
}

/** As "12 %, 97 %", of each process. */
export function formatBusy(shares: readonly number[]): string {
  return shares.map((share) => `${Math.round(share * 100)} %`).join(", ");
}

/** What is to be said where processes were too busy to measure others; undefined where none was. */
export function tooBusy({
  busy,
  durationMs,
}: {
  readonly busy: readonly number[];
  readonly durationMs: number;
}): string | undefined {
  const over = busy.filter((share) => share > mostBusy);
  if (durationMs < leastMs || over.length === 0) return undefined;
  if (busy.length === 1)
    return `nano-bot itself was busy for ${formatBusy(busy)} of the time: it may have measured itself. --processes N shares the work`;
  const those = `${over.length} of ${busy.length} processes of nano-bot were busy for over ${formatBusy([mostBusy])} of the time`;
  return `${those} (${formatBusy(busy)}): they may have measured themselves. More --processes share the work`;
}
