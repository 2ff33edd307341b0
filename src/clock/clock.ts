/** Something that will happen, unless it is cancelled. */
export interface Timer {
  cancel(): void;
}

/** Time, as everything here sees it. A test hands in one that moves only when told. */
export interface Clock {
  /** Milliseconds on a clock that never goes back. Only differences mean anything. */
  now(): number;
  /** Milliseconds since 1970. */
  wallNow(): number;
  /** Calls once, after so many milliseconds. It keeps a process alive only where that is asked for. */
  after(delayMs: number, call: () => void, options?: { readonly keepAlive?: boolean }): Timer;
  /** Calls again and again. It does not keep a process alive. */
  every(periodMs: number, call: () => void): Timer;
  /** Calls once, when what is going on now has finished: before any timer or input. */
  soon(call: () => void): void;
  /** Calls once, when all input that is there has been read: what many have sent at the same time can be answered together. */
  afterInput(call: () => void): void;
}

/** Resolves after so many milliseconds; rejects with the signal's reason when it aborts. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const aborted = (): void => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = clock.after(delayMs, () => {
      signal?.removeEventListener("abort", aborted);
      resolve();
    });
    signal?.addEventListener("abort", aborted, { once: true });
  });
}

/** What a promise gives, or `late()` when it has not after so many milliseconds. The promise goes on, unheard. */
export function within<T, L>(clock: Clock, delayMs: number, promise: Promise<T>, late: () => L): Promise<T | L> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(delayMs, () => {
      try {
        resolve(late());
      } catch (reason) {
        reject(reason);
      }
    });
    promise.then(
      (value) => {
        timer.cancel();
        resolve(value);
      },
      (reason: unknown) => {
        timer.cancel();
        reject(reason);
      },
    );
  });
}
