import cluster, { type Worker } from "node:cluster";
import { constants } from "node:os";
import { systemClock } from "../../clock/index.ts";
import { createJsonLogger } from "../../logger/index.ts";
import { debugSignal } from "./debug-signal.ts";

const leastBackoffMs = 100;
const mostBackoffMs = 30_000;
// Whoever lives that long has not died of how it was started.
const healthyMs = 60_000;

/**
 * Starts so many processes of the script that this one runs, and keeps them up: one that dies is started again, later each time that it dies soon. SIGTERM and
 * SIGINT are handed on, and the process ends when all have; a second signal kills them. SIGUSR2 is handed on as well. Where one does not come up in the first place all end,
 * and the process with its exit code.
 *
 * @returns Resolves when all are up.
 */
export function runWorkers(count: number): Promise<void> {
  const log = createJsonLogger({
    sink: { write: (line) => void process.stderr.write(`${line}\n`) },
    now: () => systemClock.wallNow(),
  });
  const living = new Map<number, Worker>();
  const ready = new Set<number>();
  let stopping = false;
  let exitCode = 0;

  return new Promise((resolve) => {
    function start(number: number, failures: number): void {
      if (stopping) return;
      const startedAtMs = systemClock.now();
      const worker = cluster.fork({ NANO_WORKER: `${number}` });
      living.set(number, worker);
      worker.on("message", (message) => {
        if (message !== "ready") return;
        log.info({ worker: number, pid: worker.process.pid }, "a worker is ready");
        ready.add(number);
        if (ready.size === count) resolve();
      });
      worker.on("exit", (code, signal) => {
        living.delete(number);
        if (stopping) return ended(code);
        if (!ready.has(number)) return stop("SIGTERM", code || 1);
        const again = systemClock.now() - startedAtMs >= healthyMs ? 0 : failures + 1;
        const delayMs = again === 0 ? 0 : Math.min(mostBackoffMs, leastBackoffMs * 2 ** (again - 1));
        log.error({ worker: number, code, signal, againInMs: delayMs }, "a worker died");
        systemClock.after(delayMs, () => start(number, again), { keepAlive: true });
      });
    }

    function ended(code: number): void {
      if (code !== 0 && exitCode === 0) exitCode = code;
      if (living.size === 0) process.exit(exitCode);
    }

    function stop(signal: NodeJS.Signals, code = 0): void {
      if (stopping) {
        for (const worker of living.values()) worker.process.kill("SIGKILL");
        process.exit(128 + constants.signals[signal]);
      }
      stopping = true;
      exitCode = code;
      for (const worker of living.values()) worker.process.kill("SIGTERM");
      if (living.size === 0) process.exit(exitCode);
    }

    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => stop(signal));
    if (process.platform !== "win32") {
      process.on(debugSignal, () => {
        // One that is not up yet would be ended by it.
        for (const [number, worker] of living) if (ready.has(number)) worker.process.kill(debugSignal);
      });
    }
    for (let number = 1; number <= count; number++) start(number, 0);
  });
}
