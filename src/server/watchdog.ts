import { isMainThread, Worker } from "node:worker_threads";
import { systemClock, type Timer } from "../clock/index.ts";
import type { Logger } from "../logger/index.ts";

/** When a server says that its event loop is blocked. */
export interface WatchdogOptions {
  /** How long nothing else may have had its turn, from 10 on. The default is 500. */
  readonly blockedMs?: number;
}

/** What the thread beside is given. */
export interface WatchdogThreadData {
  /** One number, which grows while the event loop goes round. */
  readonly beats: Int32Array<SharedArrayBuffer>;
  readonly blockedMs: number;
  readonly checkMs: number;
}

/** What it has seen. */
export interface BlockedReport {
  readonly blockedMs: number;
  /** Whose handler, remote or step ran without giving way; undefined after its first `await`, and where it was none. */
  readonly route: string | undefined;
  /** Where, the innermost first. Empty where it was over before anybody looked. */
  readonly stack: readonly string[];
}

/** How often something has blocked the event loop, and for how long in all. */
export interface BlockedCounter {
  times: number;
  seconds: number;
}

/** Sees that the event loop is blocked. */
export interface Watchdog {
  /** What has blocked it, by the route whose handler, remote or step it was; "none": none of them, or after its first `await`. */
  readonly blocked: ReadonlyMap<string, BlockedCounter>;
  start(): void;
  stop(): Promise<void>;
}

const nobody = "none";

/**
 * Looks from a thread of its own whether the event loop goes round, and logs who has blocked it when it does again. It costs the server one store
 * now and then; only a loop that is blocked is stopped for a moment, by the inspector, to read its stack. Throws a RangeError for a time that makes no sense.
 */
export function createWatchdog({ blockedMs = 500 }: WatchdogOptions, log: Logger): Watchdog {
  if (!(blockedMs >= 10 && blockedMs <= 3_600_000)) {
    throw new RangeError(`watchdog.blockedMs is ${blockedMs}: it takes 10 to 3,600,000`);
  }
  const beats = new Int32Array(new SharedArrayBuffer(4));
  const checkMs = Math.max(5, blockedMs / 4);
  const blocked = new Map([[nobody, { times: 0, seconds: 0 }]]);
  let thread: Worker | undefined;
  let beat: Timer | undefined;

  function saw(report: BlockedReport): void {
    const { route = nobody } = report;
    const counter = blocked.get(route) ?? { times: 0, seconds: 0 };
    counter.times++;
    counter.seconds += report.blockedMs / 1_000;
    blocked.set(route, counter);
    log.warn(report, "the event loop was blocked");
  }

  return {
    blocked,
    start() {
      if (!isMainThread) return log.warn({}, "no watchdog: it looks at the main thread, and this server is not there");
      const workerData: WatchdogThreadData = { beats, blockedMs, checkMs };
      // The thread's file lies beside this one, as source and as built.
      const file = new URL(import.meta.url.endsWith(".ts") ? "./blocked-thread.ts" : "./blocked-thread.js", import.meta.url);
      thread = new Worker(file, { workerData, name: "nano-watchdog" });
      thread.unref();
      beat = systemClock.every(checkMs, () => void Atomics.add(beats, 0, 1));
      thread.on("message", saw);
      thread.on("error", (reason) => log.warn({ err: reason }, "the watchdog has failed: nobody looks at the event loop"));
    },
    async stop() {
      beat?.cancel();
      await thread?.terminate();
    },
  };
}
