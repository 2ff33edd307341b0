import type { Clock } from "./clock.ts";

// Timers of the host that are set for longer, as one for ever is, fire at once.
const longestMs = 2 ** 31 - 1;

// Looking for a global takes as long as asking it for the time.
const { performance } = globalThis;

/** The machine's clock. Safe in browsers. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
  after(delayMs, call, options) {
    let id: ReturnType<typeof setTimeout>;
    const wait = (leftMs: number): void => {
      id = setTimeout(() => (leftMs > longestMs ? wait(leftMs - longestMs) : call()), Math.min(leftMs, longestMs));
      if (!options?.keepAlive) release(id);
    };
    wait(delayMs);
    return { cancel: () => clearTimeout(id) };
  },
  every(periodMs, call) {
    const id = setInterval(call, Math.min(periodMs, longestMs));
    release(id);
    return { cancel: () => clearInterval(id) };
  },
  soon: nextTick() ?? queueMicrotask,
  afterInput: (globalThis as { readonly setImmediate?: (call: () => void) => void }).setImmediate ?? queueMicrotask,
};

// In Node a tick comes after all microtasks: answers that promises give in one turn leave together.
function nextTick(): ((call: () => void) => void) | undefined {
  const host = globalThis as { readonly process?: { readonly nextTick?: (call: () => void) => void } };
  return host.process?.nextTick;
}

// Node's timers are objects that hold the process open; a browser's are numbers.
function release(id: unknown): void {
  if (typeof id === "object" && id !== null && "unref" in id && typeof id.unref === "function") id.unref();
}
