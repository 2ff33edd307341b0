import { constants } from "node:os";
import type { Logger } from "../logger/index.ts";

/** What a process is told to end by. */
export type StopSignal = "SIGTERM" | "SIGINT" | "SIGHUP" | "SIGQUIT";

/** What signals do to a server. */
export interface SignalsOptions {
  readonly signals: readonly StopSignal[];
  readonly log: Logger;
  readonly stop: () => Promise<void>;
}

/**
 * The first signal stops the server, and the process ends when nothing else keeps it; the second ends the process at once, with the exit code that
 * shells give to one that was killed: 128 and the number of the signal.
 *
 * @returns Takes the listeners away.
 */
export function stopOnSignals({ signals, log, stop }: SignalsOptions): () => void {
  let stopping = false;

  function heard(signal: StopSignal): void {
    if (stopping) {
      log.warn({ signal }, "a second signal: ending at once");
      process.exit(128 + constants.signals[signal]);
    }
    stopping = true;
    log.info({ signal }, "stopping");
    stop()
      .catch((reason: unknown) => {
        log.error({ err: reason }, "the server did not stop well");
        process.exitCode = 1;
      })
      .finally(off);
  }

  const listeners = signals.map((signal) => [signal, () => heard(signal)] as const);
  function off(): void {
    for (const [signal, listener] of listeners) process.off(signal, listener);
  }
  for (const [signal, listener] of listeners) process.on(signal, listener);
  return off;
}
