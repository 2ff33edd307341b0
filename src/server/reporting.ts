import { type Clock, type Timer, within } from "../clock/index.ts";
import { NanoError } from "../error/index.ts";
import type { Logger } from "../logger/index.ts";
import type { Sample } from "../metrics/index.ts";
import type { Reporter, ReporterPage } from "../reporter/index.ts";

/** The reporters of a server. */
export interface Reporting {
  /** What they serve over HTTP, by path. */
  readonly pages: ReadonlyMap<string, ReporterPage>;
  start(): Promise<void>;
  /** Never rejects. */
  stop(): Promise<void>;
}

/** What they are made of. */
export interface ReportingOptions {
  readonly id: string;
  readonly reporters: readonly Reporter[];
  readonly clock: Clock;
  readonly log: Logger;
  readonly read: () => Iterable<Sample>;
}

// What fails each time would fill the log.
const quietMs = 60_000;
const startTimeoutMs = 10_000;
const stopTimeoutMs = 5_000;

/** Throws a TypeError where two reporters want one path. */
export function createReporting({ id, reporters, clock, log, read }: ReportingOptions): Reporting {
  const pages = new Map<string, ReporterPage>();
  for (const { name, page } of reporters) {
    if (!page) continue;
    if (pages.has(page.path)) throw new TypeError(`the reporter ${name} is at ${page.path}, where another one is`);
    pages.set(page.path, page);
  }
  const timers: Timer[] = [];
  const started: Reporter[] = [];

  function host(name: string): Parameters<Reporter["start"]>[0] {
    let saidMs = Number.NEGATIVE_INFINITY;
    const failed = (reason: unknown): void => {
      if (clock.now() - saidMs < quietMs) return;
      saidMs = clock.now();
      log.warn({ err: reason, reporter: name }, "a reporter failed");
    };
    return {
      id,
      read,
      every(periodMs, call) {
        const tick = (): void => {
          try {
            call();
          } catch (reason) {
            failed(reason);
          }
        };
        timers.push(clock.every(periodMs, tick));
      },
      failed,
    };
  }

  function inTime(timeoutMs: number, { name }: Reporter, work: () => void | Promise<void>): Promise<void> {
    return within(clock, timeoutMs, Promise.resolve(work()), () => {
      throw new NanoError({ code: "deadline_exceeded", message: `the reporter ${name} took over ${timeoutMs} ms` });
    });
  }

  return {
    pages,
    async start() {
      for (const reporter of reporters) {
        started.push(reporter);
        await inTime(startTimeoutMs, reporter, () => reporter.start(host(reporter.name)));
      }
    },
    async stop() {
      for (const timer of timers.splice(0)) timer.cancel();
      for (const reporter of started.splice(0).reverse()) {
        try {
          await inTime(stopTimeoutMs, reporter, () => reporter.stop());
        } catch (reason) {
          log.warn({ err: reason, reporter: reporter.name }, "a reporter did not stop well");
        }
      }
    },
  };
}
