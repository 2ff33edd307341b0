import type { Logger } from "../logger/index.ts";

/** What an error that nobody caught does to a server. */
export interface UncaughtOptions {
  readonly log: Logger;
  readonly stop: () => Promise<void>;
}

/**
 * The first error that nobody caught, thrown or rejected, is logged and stops the server; the process ends with exit code 1 when that is done. The second
 * ends it at once, also with 1: nobody knows what still works.
 *
 * @returns Takes the listener away.
 */
export function stopOnUncaught({ log, stop }: UncaughtOptions): () => void {
  let stopping = false;

  // An unhandled rejection comes here as well: Node makes it an uncaught exception.
  function caught(reason: unknown): void {
    log.error({ err: reason }, stopping ? "nobody caught a second error: ending at once" : "nobody caught an error: stopping");
    if (stopping) process.exit(1);
    stopping = true;
    process.exitCode = 1;
    stop()
      .catch((worse: unknown) => log.error({ err: worse }, "the server did not stop well"))
      .finally(() => {
        // What the error has left behind may keep the process for ever.
        process.exit(1);
      });
  }

  process.on("uncaughtException", caught);
  return () => void process.off("uncaughtException", caught);
}
