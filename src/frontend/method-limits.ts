import type { RoutePolicy } from "../route/index.ts";
import { TokenBucket } from "./rate.ts";

/** How often one session calls each method whose schema limits that. */
export class MethodLimits {
  // Most sessions never call such a method. What is known by name comes from the schema, so there are never many.
  #buckets: Map<string, TokenBucket> | undefined;

  /** Whether the method may be called once more. */
  take(route: string, { perSecond, burst }: NonNullable<RoutePolicy["limit"]>, nowMs: number): boolean {
    this.#buckets ??= new Map();
    let bucket = this.#buckets.get(route);
    if (!bucket) {
      bucket = new TokenBucket({ perSecond, burst }, nowMs);
      this.#buckets.set(route, bucket);
    }
    return bucket.take(nowMs, 1);
  }
}
