export { type CallCounter, createCallCounter } from "./call-counter.ts";
export { type MetricEntry, type MetricName, metricCatalog } from "./catalog.ts";
export {
  type CallRefusal,
  type ClusterCounters,
  type ConnectionRefusal,
  createClusterCounters,
  type FrameRefusal,
  type LinkRefusal,
  type RecordRefusal,
} from "./cluster-counters.ts";
export type { Distribution } from "./distribution.ts";
export {
  type ClientCount,
  createFrontendCounters,
  type FrontendCounters,
  type LimitCounts,
  type LimitName,
} from "./frontend-counters.ts";
export {
  type Counter,
  createMetrics,
  type GaugeValue,
  type Histogram,
  type Labels,
  type MetricOptions,
  type Metrics,
  type MetricsRegistry,
} from "./metrics.ts";
export { isResetReason, type ResetReason, type ResumeCounts, type ResumeOutcome } from "./resume-outcome.ts";
export type { Bucket, CounterSample, GaugeSample, HistogramSample, Sample } from "./sample.ts";
export type { ServerCounters } from "./server-counters.ts";
export type { RefusalCounts, Stage } from "./stage.ts";
