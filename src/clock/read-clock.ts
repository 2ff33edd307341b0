import type { Clock } from "./clock.ts";

/**
 * A clock that is looked at once for all that one read of a socket brings. While a read is worked off, `now` is when it came, or when it was last
 * looked; at any other time it is the time.
 */
export class ReadClock {
  readonly #clock: Pick<Clock, "now">;
  // While a read is worked off.
  #reading = false;
  #atMs = 0;

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  /** A read has come: gives when. What is done for it until `end` must be done at once, without waiting for anything. */
  begin(): number {
    this.#reading = true;
    return this.look();
  }

  end(): void {
    this.#reading = false;
  }

  /** What is known of the time, in milliseconds. */
  now(): number {
    return this.#reading ? this.#atMs : this.#clock.now();
  }

  /** Looks again: what comes after it in the same read came no earlier. */
  look(): number {
    this.#atMs = this.#clock.now();
    return this.#atMs;
  }
}
