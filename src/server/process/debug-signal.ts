import type { Logger } from "../../logger/index.ts";

/** What makes a process say more while it runs. Windows has no such signal. */
export const debugSignal = "SIGUSR2";

/** The signal sets the level of a log to "debug", and the next one back to what it was. */
export function debugOnSignal(log: Logger): void {
  if (process.platform === "win32") return;
  let before: string | undefined;
  process.on(debugSignal, () => {
    const level = before ?? "debug";
    before = before === undefined ? (log.level ?? "info") : undefined;
    log.level = level;
    // Said on a level that is written, whichever that is.
    log.warn({ now: level }, "the level of the log was changed by a signal");
  });
}
