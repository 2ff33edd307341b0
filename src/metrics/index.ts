export {
  type CallRefusal,
  type ClusterCounters,
  type ConnectionRefusal,
  createClusterCounters,
  type FrameRefusal,
  type LinkRefusal,
  type RecordRefusal,
} from "./cluster-counters.ts";
export { createFrontendCounters, type FrontendCounters, type LimitCounts, type LimitName } from "./frontend-counters.ts";
export type { ServerCounters } from "./server-counters.ts";
export type { RefusalCounts, Stage } from "./stage.ts";
