/** What one client has heard of ticks that are numbered from 1, each with the time at which it was sent. */
export class Tally {
  duplicates = 0;
  outOfOrder = 0;
  resets = 0;
  /** Of each tick that was sent while the client was away: how long after its return it came. */
  readonly replaysMs: number[] = [];
  /** How long the client was without a connection, each time. */
  readonly awaysMs: number[] = [];
  readonly #numbers = new Set<number>();
  #last = 0;
  #backAtMs = 0;
  #goneAtMs: number | undefined;

  get delivered(): number {
    return this.#numbers.size;
  }

  /** The client has a connection. */
  back(): void {
    this.#backAtMs = performance.now();
    if (this.#goneAtMs !== undefined) this.awaysMs.push(this.#backAtMs - this.#goneAtMs);
    this.#goneAtMs = undefined;
  }

  /** The client has lost its connection. */
  gone(): void {
    this.#goneAtMs ??= performance.now();
  }

  heard(number: number, sentAtMs: number): void {
    if (this.#numbers.has(number)) this.duplicates++;
    else if (number < this.#last) this.outOfOrder++;
    this.#numbers.add(number);
    this.#last = Math.max(this.#last, number);
    if (sentAtMs < this.#backAtMs) this.replaysMs.push(performance.now() - this.#backAtMs);
  }
}
