import type { Clock } from "../clock/index.ts";
import type { Readiness, ReadinessReason } from "../context/index.ts";
import type { ServerState } from "../discovery/index.ts";
import { NanoError } from "../error/index.ts";
import { Grace } from "./grace.ts";

/** What a server does in its life. */
export interface LifeOptions {
  readonly clock: Clock;
  /** How long a drain may take where nobody says. The default is 30,000. */
  readonly graceMs: number | undefined;
  /** Starts everything. `serves` is called when the cluster may hear that this server is ready. */
  begin(serves: () => void): Promise<void>;
  /** Never rejects. */
  drain(grace: Grace): Promise<void>;
  /** Stops everything, also what has only half started. */
  end(drained: boolean): Promise<void>;
}

/** A server's life: it starts once, drains once, ends once. */
export interface Life {
  /** As its record says. */
  readonly state: ServerState;
  /** @param missing The types that are out of reach. */
  readiness(discoveryAway: boolean, missing: readonly string[]): Readiness;
  start(): Promise<void>;
  drain(options?: { readonly graceMs?: number }): Promise<void>;
  stop(options?: { readonly graceMs?: number }): Promise<void>;
}

// What is waited for while a server starts or stops may not keep a process there. No such thing takes a day.
const keepAliveMs = 86_400_000;

/** Nothing has begun. */
export function createLife(options: LifeOptions): Life {
  const { clock, graceMs: usualMs = 30_000 } = options;
  let state: ServerState = "starting";
  let begun = false;
  let over = false;
  let grace: Grace | undefined;
  let starting: Promise<void> | undefined;
  let draining: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;

  /** The process stays until it is over. */
  async function held(whole: Promise<void>): Promise<void> {
    const alive = clock.after(keepAliveMs, () => {}, { keepAlive: true });
    await whole.finally(() => alive.cancel());
  }

  async function begin(): Promise<void> {
    if (stopping || draining)
      throw new NanoError({ code: "failed_precondition", message: "the server was stopped before it started" });
    try {
      await options.begin(() => {
        state = "ready";
      });
      begun = true;
    } catch (reason) {
      state = "draining";
      await options.end(false);
      over = true;
      throw reason;
    }
  }

  /** Whether it is there: what never started, or failed to, has ended already. */
  async function started(): Promise<boolean> {
    await starting?.catch(() => {});
    return begun;
  }

  async function drainOnce(graceMs: number): Promise<void> {
    const own = new Grace(clock, graceMs);
    grace = own;
    // Where there is nothing to wait for, whoever asks hears of it at once.
    if (begun || (await started())) {
      state = "draining";
      await options.drain(own);
    }
    own.cancel();
  }

  function drain({ graceMs }: { readonly graceMs?: number } = {}): Promise<void> {
    if (graceMs !== undefined) grace?.shorten(graceMs);
    draining ??= held(drainOnce(graceMs ?? usualMs));
    return draining;
  }

  async function stopOnce(drained: Promise<void>): Promise<void> {
    await drained;
    if (begun) await options.end(true);
    over = true;
  }

  return {
    get state() {
      return state;
    },
    readiness(discoveryAway, missing) {
      const now = over ? "stopped" : state === "ready" && !begun ? "starting" : state;
      const reasons: ReadinessReason[] = now === "ready" ? [] : [now];
      if (discoveryAway && !over) reasons.push("discovery away");
      if (!over) for (const type of missing) reasons.push(`no link to ${type}`);
      return { state: now, ready: now === "ready" && missing.length === 0, reasons };
    },
    start() {
      if (!starting) {
        const start = Promise.withResolvers<void>();
        // There is one from the first hook on: what is told to stop in it waits for it.
        starting = start.promise;
        start.resolve(held(begin()));
      }
      return starting;
    },
    drain,
    stop(stopOptions) {
      const drained = drain(stopOptions);
      stopping ??= held(stopOnce(drained));
      return stopping;
    },
  };
}
