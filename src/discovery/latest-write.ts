/** Writes what is newest, one at a time, so that writes keep their order; all that changes during one becomes one more, together. */
export class LatestWrite {
  readonly #write: () => Promise<void>;
  #running: Promise<void> | undefined;
  #waiting: Promise<void> | undefined;

  constructor(write: () => Promise<void>) {
    this.#write = write;
  }

  /** Settles with a write that began after this call. */
  run(): Promise<void> {
    if (!this.#running) {
      this.#running = this.#write().finally(() => {
        this.#running = undefined;
      });
      return this.#running;
    }
    const again = (): Promise<void> => {
      this.#waiting = undefined;
      return this.run();
    };
    this.#waiting ??= this.#running.then(again, again);
    return this.#waiting;
  }
}
