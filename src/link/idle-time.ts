/** How long nothing was done, as far as was looked. */
export class IdleTime {
  // Whether anything was done since the last look: looking at the clock each time would cost more than doing it.
  #used = true;
  #sinceMs = 0;

  used(): void {
    this.#used = true;
  }

  /** @param busy Whether it counts as used all the while. */
  look(nowMs: number, busy: boolean): number {
    if (this.#used || busy) this.#sinceMs = nowMs;
    this.#used = false;
    return nowMs - this.#sinceMs;
  }
}
