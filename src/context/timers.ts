import { Cron } from "croner";
import type { Clock, Timer } from "../clock/index.ts";
import { NanoError } from "../error/index.ts";
import type { Logger } from "../logger/index.ts";
import type { Session } from "../session/index.ts";
import type { Tracing } from "../tracing/index.ts";

/** Timers that end with what they are bound to. What their code throws is logged; the next run comes all the same. A run is no part of the trace in which it was set. */
export interface Timers {
  /** Runs once, after so many milliseconds. */
  after(delayMs: number, run: () => unknown): Timer;
  /** Runs again and again. A run that has not finished is not joined by another: that one is left out. */
  every(periodMs: number, run: () => unknown): Timer;
  /**
   * Runs by a cron expression, as "0 4 * * *" or with seconds before it. Throws `invalid_argument` for one that is none.
   *
   * @param options.timezone As "Europe/Berlin". The default is the machine's.
   */
  cron(expression: string, run: () => unknown, options?: { readonly timezone?: string }): Timer;
}

/** The timers of one server. */
export interface ServerTimers {
  /** Bound to a session on this server, or else to the server. */
  of(session: Session | undefined): Timers;
  /** Cancels all. */
  clear(): void;
}

// What fits a timer of the platform.
const longestMs = 2_147_483_647;

/** What timers need of their server. */
export interface TimersOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly tracing: Pick<Tracing, "apart"> | undefined;
}

/** None yet. */
export function createTimers({ clock, log, tracing }: TimersOptions): ServerTimers {
  const all = new Set<Timer>();

  /** Something that may be cancelled by its holder, by the end of its session, and by that of the server. */
  function bound(session: Session | undefined, begin: (over: () => void) => Timer): Timer {
    let running: Timer | undefined;
    let off = (): void => {};
    const over = (): void => {
      all.delete(timer);
      off();
    };
    const timer: Timer = {
      cancel() {
        over();
        running?.cancel();
      },
    };
    all.add(timer);
    running = begin(over);
    // A session that is over already says so at once.
    if (session) off = session.onClose(() => timer.cancel());
    return timer;
  }

  async function guarded(run: () => unknown): Promise<void> {
    try {
      await (tracing ? tracing.apart(run) : run());
    } catch (reason) {
      log.error({ err: reason }, "a timer threw");
    }
  }

  function cronTimer(pattern: Cron, run: () => unknown, over: () => void): Timer {
    let timer: Timer | undefined;
    let canceled = false;
    function arm(): void {
      const next = pattern.nextRun(new Date(clock.wallNow()))?.getTime();
      if (canceled || next === undefined) return over();
      const waitMs = Math.max(1, next - clock.wallNow());
      timer = clock.after(Math.min(waitMs, longestMs), () => {
        if (waitMs <= longestMs) void guarded(run);
        arm();
      });
    }
    arm();
    return {
      cancel() {
        canceled = true;
        timer?.cancel();
      },
    };
  }

  return {
    of: (session) => ({
      after: (delayMs, run) =>
        bound(session, (over) =>
          clock.after(mustBeMs(delayMs), () => {
            over();
            void guarded(run);
          }),
        ),
      every(periodMs, run) {
        let busy = false;
        return bound(session, () =>
          clock.every(mustBeMs(periodMs), () => {
            if (busy) return;
            busy = true;
            void guarded(run).finally(() => {
              busy = false;
            });
          }),
        );
      },
      cron(expression, run, options = {}) {
        const pattern = parse(expression, options);
        return bound(session, (over) => cronTimer(pattern, run, over));
      },
    }),
    clear() {
      for (const timer of [...all]) timer.cancel();
    },
  };
}

function mustBeMs(ms: number): number {
  if (ms >= 0 && ms <= longestMs) return ms;
  throw new NanoError({ code: "invalid_argument", message: `a timer takes 0 to ${longestMs} ms: not ${ms}` });
}

function parse(expression: string, options: { readonly timezone?: string }): Cron {
  try {
    const pattern = new Cron(expression, options);
    pattern.nextRun();
    return pattern;
  } catch (reason) {
    throw new NanoError({ code: "invalid_argument", message: `"${expression}" is no time: ${String(reason)}`, cause: reason });
  }
}
