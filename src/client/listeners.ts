import type { ListenOptions } from "../contract/index.ts";

/** Those who hear one thing. */
export interface Listeners<A extends readonly unknown[]> {
  readonly size: number;
  /** Adds one; gives what removes it. The same function may be added twice. */
  add(listener: (...args: A) => void, options?: ListenOptions): () => void;
  /** Tells all who were there when it began. One that throws hurts no other. */
  tell(...args: A): void;
}

/** Adds to a set, until what it gives is called or the signal aborts. */
export function enlist<T>(set: Set<T>, entry: T, { signal }: ListenOptions = {}): () => void {
  const off = (): void => {
    set.delete(entry);
    signal?.removeEventListener("abort", off);
  };
  if (signal?.aborted) return off;
  set.add(entry);
  signal?.addEventListener("abort", off, { once: true });
  return off;
}

/** @param failed Hears what a listener threw. */
export function createListeners<A extends readonly unknown[]>(failed: (reason: unknown) => void): Listeners<A> {
  const listeners = new Set<{ readonly call: (...args: A) => void }>();
  return {
    get size() {
      return listeners.size;
    },
    add: (listener, options) => enlist(listeners, { call: listener }, options),
    tell(...args) {
      for (const entry of [...listeners]) {
        if (!listeners.has(entry)) continue;
        try {
          entry.call(...args);
        } catch (reason) {
          failed(reason);
        }
      }
    },
  };
}
