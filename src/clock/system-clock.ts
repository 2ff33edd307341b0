import type { Clock } from "./clock.ts";

/** The machine's clock. Safe in browsers. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
  after(delayMs, call, options) {
    const id = setTimeout(call, delayMs);
    if (!options?.keepAlive) release(id);
    return { cancel: () => clearTimeout(id) };
  },
  every(periodMs, call) {
    const id = setInterval(call, periodMs);
    release(id);
    return { cancel: () => clearInterval(id) };
  },
  soon: nextTick() ?? queueMicrotask,
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
