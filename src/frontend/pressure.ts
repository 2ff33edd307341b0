import { getHeapStatistics } from "node:v8";
import type { ResolvedLimits } from "./limits.ts";

/** Whether a process has more to do than it can. */
export interface Pressure {
  /** Looks again. Called once a period, by a timer: how late that came says how late everything comes. */
  look(nowMs: number): void;
  /** Which watermark is passed. */
  readonly over: "heapShare" | "loopDelayMs" | undefined;
}

/** Not under pressure, until it looks. @param heapShare Which part of the heap's limit is in use. The default asks V8. */
export function createPressure(
  limits: Pick<ResolvedLimits, "heapShare" | "loopDelayMs">,
  options: { readonly periodMs: number; readonly nowMs: number; readonly heapShare?: () => number },
): Pressure {
  const { periodMs, heapShare = usedHeapShare } = options;
  let lastMs = options.nowMs;
  let lateMs = 0;
  let over: Pressure["over"];
  return {
    look(nowMs) {
      const before = lateMs;
      lateMs = nowMs - lastMs - periodMs;
      lastMs = nowMs;
      // Once is a pause of the collector; twice in a row is too much work.
      if (Math.min(before, lateMs) > limits.loopDelayMs) over = "loopDelayMs";
      else over = heapShare() > limits.heapShare ? "heapShare" : undefined;
    },
    get over() {
      return over;
    },
  };
}

function usedHeapShare(): number {
  const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
  return used / limit;
}
