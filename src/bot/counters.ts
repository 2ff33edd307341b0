import type { Numbers } from "./tally.ts";

// Names may hold what a server said, and must not fill the memory.
const mostNames = 100;

/** Counts by name. */
export class Counters {
  #counts = new Map<string, number>();

  add(name: string, count = 1): void {
    const known = this.#counts.has(name) || this.#counts.size < mostNames ? name : "(others)";
    this.#counts.set(known, (this.#counts.get(known) ?? 0) + count);
  }

  addAll(numbers: Numbers): void {
    for (const [name, count] of Object.entries(numbers)) this.add(name, count);
  }

  get sum(): number {
    let sum = 0;
    for (const count of this.#counts.values()) sum += count;
    return sum;
  }

  read(): Numbers {
    return Object.fromEntries(this.#counts);
  }

  /** Gives what was counted, and begins anew. */
  take(): Numbers {
    const taken = this.read();
    this.#counts.clear();
    return taken;
  }
}
