export { type CallCounter, createCallCounter, createCallSeconds } from "./call-counter.ts";
export { type MetricEntry, type MetricName, metricCatalog } from "./catalog.ts";
export { type CloseCounts, countClose } from "./closes.ts";
export {
  type CallRefusal,
  type ClusterCounters,
  type ConnectionRefusal,
  createClusterCounters,
  type FrameRefusal,
  type LinkRefusal,
  type RecordRefusal,
} from "./cluster-counters.ts";
export { type CountedCode, countedCode } from "./counted-code.ts";
export type { Distribution } from "./distribution.ts";
export {
  type ClientCount,
  createFrontendCounters,
  type FrontendCounters,
  type LimitCounts,
  type LimitName,
  type PushCounts,
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
