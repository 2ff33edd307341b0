import type { Clock, DeadlineSweep, Due } from "../clock/index.ts";

/** When a body has to be there, and who hears of it where it is not. */
export interface RequestBodyOptions {
  readonly clock: Clock;
  readonly deadlines: DeadlineSweep;
  /** From when it is first asked for, in milliseconds. */
  readonly withinMs: number;
  /** Told once. Gives what its reader hears. */
  readonly late: () => Error;
}

const over: IteratorResult<Uint8Array> = { done: true, value: undefined };

/** The bytes of a request, which have so long to come. Connect, by itself, waits for them for ever. */
export class RequestBody implements AsyncIterableIterator<Uint8Array>, Due {
  deadlineMs = 0;
  place?: number | undefined;
  readonly #bytes: AsyncIterator<Uint8Array>;
  readonly #options: RequestBodyOptions;
  #state: "unread" | "awaited" | "over" = "unread";
  #late: Error | undefined;
  #reject: ((reason: Error) => void) | undefined;

  constructor(bytes: AsyncIterable<Uint8Array>, options: RequestBodyOptions) {
    this.#bytes = bytes[Symbol.asyncIterator]();
    this.#options = options;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    const { clock, deadlines, withinMs } = this.#options;
    if (this.#late) return Promise.reject(this.#late);
    if (this.#state === "unread") {
      this.#state = "awaited";
      this.deadlineMs = clock.now() + withinMs;
      deadlines.add(this);
    }
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      this.#bytes.next().then(
        (result) => {
          if (result.done) this.#end();
          resolve(result);
        },
        (reason: unknown) => {
          this.#end();
          reject(reason);
        },
      );
    });
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    this.#end();
    // Where bytes are still waited for it is over when these come, or the stream ends.
    this.#bytes.return?.().catch(() => {});
    return over;
  }

  /** Its time is up. It is no more where it was not asked for, or is there. */
  expire(): void {
    if (this.#state !== "awaited") return;
    this.#end();
    this.#late = this.#options.late();
    this.#reject?.(this.#late);
  }

  #end(): void {
    this.#state = "over";
    this.#options.deadlines.remove(this);
  }
}
