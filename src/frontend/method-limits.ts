import type { RoutePolicy } from "../route/index.ts";
import { type Pace, RateLimit } from "./rate.ts";

// A method that may be called once a second is not abused by a finger that was too quick.
const leastRefusals = 20;

/** How often one session calls each method whose schema limits that. */
export class MethodLimits {
  // Most sessions never call such a method. What is known by name comes from the schema, so there are never many.
  #limits: Map<string, RateLimit> | undefined;

  /** Whether the method may be called once more, or was refused so often that nobody means well. */
  pace(route: string, { perSecond, burst }: NonNullable<RoutePolicy["limit"]>, nowMs: number): Pace {
    this.#limits ??= new Map();
    let limit = this.#limits.get(route);
    if (!limit) {
      limit = new RateLimit({ perSecond, burst }, nowMs, leastRefusals);
      this.#limits.set(route, limit);
    }
    return limit.pace(nowMs, 1);
  }
}
