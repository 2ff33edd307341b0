import type { Clock, Timer } from "../clock/index.ts";

// Of the lease, counted from the last sign of life that the registry has answered; it counts from when that arrived, which is later.
const fenceShare = 0.8;

/** How far a lease can be counted on, by the last sign of life that was answered. */
export class LeaseLife {
  readonly #clock: Clock;
  readonly #leaseMs: number;
  readonly #silent: () => void;
  #heardAtMs = 0;
  #silence: Pick<Timer, "cancel"> | undefined;

  /** @param silent Told before the registry can end the lease: from now on the server is on its own. */
  constructor(clock: Clock, leaseMs: number, silent: () => void) {
    this.#clock = clock;
    this.#leaseMs = leaseMs;
    this.#silent = silent;
  }

  /** It was alive at a moment. */
  heard(atMs: number): void {
    this.#heardAtMs = atMs;
    this.#silence?.cancel();
    const silentAtMs = atMs + this.#leaseMs * fenceShare;
    this.#silence = this.#clock.after(Math.max(0, silentAtMs - this.#clock.now()), this.#silent);
  }

  /** When the next sign is due. A step that took long has used up some of the lease. */
  get dueInMs(): number {
    return this.#leaseMs / 3 - this.#ageMs;
  }

  /** Whether it can be counted on. */
  get isCertain(): boolean {
    return this.#ageMs < this.#leaseMs * fenceShare;
  }

  /** Whether the registry has ended it. */
  get isOver(): boolean {
    return this.#ageMs >= this.#leaseMs;
  }

  stop(): void {
    this.#silence?.cancel();
  }

  get #ageMs(): number {
    return this.#clock.now() - this.#heardAtMs;
  }
}
