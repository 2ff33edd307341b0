import type { ListenOptions } from "../contract/index.ts";
import { onAbort } from "./on-abort.ts";

/** Adds to a set, until what it gives is called or the signal aborts. */
export function enlist<T>(set: Set<T>, entry: T, { signal }: ListenOptions = {}): () => void {
  const off = (): void => {
    set.delete(entry);
    unheard();
  };
  const unheard = onAbort(signal, off);
  if (!signal?.aborted) set.add(entry);
  return off;
}

/** Those who hear one thing. */
export class Listeners<A extends readonly unknown[]> {
  readonly #entries = new Set<{ readonly call: (...args: A) => void }>();
  readonly #failed: (reason: unknown) => void;

  /** @param failed Hears what a listener threw. */
  constructor(failed: (reason: unknown) => void) {
    this.#failed = failed;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Adds one; gives what removes it. The same function may be added twice. */
  add(listener: (...args: A) => void, options?: ListenOptions): () => void {
    return enlist(this.#entries, { call: listener }, options);
  }

  /** Tells all who were there when it began. One that throws hurts no other. */
  tell(...args: A): void {
    for (const entry of [...this.#entries]) {
      if (!this.#entries.has(entry)) continue;
      try {
        entry.call(...args);
      } catch (reason) {
        this.#failed(reason);
      }
    }
  }
}
