export type { CallSpan } from "./call-span.ts";
export { isSampled, type TraceCarrier } from "./trace-context.ts";
export { createTracing, type Tracing, type TracingOptions } from "./tracing.ts";
