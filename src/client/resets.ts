import { type Clock, within } from "../clock/index.ts";
import type { ListenOptions } from "../contract/index.ts";
import { NanoError } from "../error/index.ts";
import { enlist } from "./listeners.ts";

/** What runs when the session is a new one. */
export interface Resets {
  /** Undefined: nobody has anything to do. Rejects where one of them does, or takes too long. */
  run(why: string): Promise<unknown> | undefined;
  /** Adds one; gives what removes it. */
  add(handler: (why: string) => unknown, options?: ListenOptions): () => void;
}

/** @param timeoutMs How long all of them may take together. */
export function createResets(clock: Clock, timeoutMs: number): Resets {
  const entries = new Set<{ readonly handler: (why: string) => unknown }>();
  const late = (): never => {
    throw new NanoError({ code: "deadline_exceeded", message: `a reset handler took over ${timeoutMs} ms` });
  };
  return {
    run(why) {
      if (entries.size === 0) return undefined;
      return within(clock, timeoutMs, Promise.all([...entries].map(async ({ handler }) => handler(why))), late);
    },
    add: (handler, options) => enlist(entries, { handler }, options),
  };
}
