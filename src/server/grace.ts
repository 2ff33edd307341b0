import { type Clock, sleep, type Timer } from "../clock/index.ts";
import type { DrainTime } from "../context/index.ts";

/** The one deadline of a drain. It may come nearer, and never goes further away. */
export class Grace implements DrainTime {
  readonly #clock: Clock;
  readonly #over = new AbortController();
  readonly #earlier: { readonly grace: Grace; readonly byMs: number }[] = [];
  #untilMs: number;
  #timer: Timer;

  constructor(clock: Clock, graceMs: number) {
    this.#clock = clock;
    this.#untilMs = clock.now() + graceMs;
    this.#timer = this.#set(graceMs);
  }

  get leftMs(): number {
    return this.isOver ? 0 : Math.max(0, this.#untilMs - this.#clock.now());
  }

  get isOver(): boolean {
    return this.#over.signal.aborted;
  }

  /** Aborts when the time is over. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  shorten(graceMs: number): void {
    const untilMs = this.#clock.now() + graceMs;
    if (untilMs >= this.#untilMs) return;
    this.#timer.cancel();
    this.#untilMs = untilMs;
    this.#timer = this.#set(graceMs);
    for (const { grace, byMs } of this.#earlier) grace.shorten(Math.max(0, graceMs - byMs));
  }

  /** The same, but over so much earlier. */
  but(byMs: number): Grace {
    const grace = new Grace(this.#clock, Math.max(0, this.leftMs - byMs));
    this.#earlier.push({ grace, byMs });
    return grace;
  }

  /** Waits for a promise, whose rejection is thrown; gives whether it was in time. It goes on, unheard, where it was not. */
  async reaches(promise: Promise<unknown>): Promise<boolean> {
    const { signal } = this;
    const late = Promise.withResolvers<false>();
    const over = (): void => late.resolve(false);
    if (signal.aborted) over();
    else signal.addEventListener("abort", over, { once: true });
    try {
      return await Promise.race([promise.then(() => true), late.promise]);
    } finally {
      signal.removeEventListener("abort", over);
    }
  }

  /** Waits until something is so, looking every 20 ms; gives whether it was in time. */
  async until(isSo: () => boolean): Promise<boolean> {
    while (!isSo()) {
      if (this.isOver) return false;
      await sleep(this.#clock, pollMs, this.signal).catch(() => {});
    }
    return true;
  }

  /** Nobody waits for its end any more. */
  cancel(): void {
    this.#timer.cancel();
    for (const { grace } of this.#earlier) grace.cancel();
  }

  #set(graceMs: number): Timer {
    return this.#clock.after(graceMs, () => this.#end());
  }

  #end(): void {
    this.#timer.cancel();
    this.#over.abort();
    // Theirs may be due in the same moment, and would be cancelled with the drain before it comes.
    for (const { grace } of this.#earlier) grace.#end();
  }
}

const pollMs = 20;
