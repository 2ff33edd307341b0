export type { Entry } from "./entry.ts";
export { type Outlet, run } from "./run.ts";
export { createRefusalCounts, type RefusalCounts, type Stage, stages } from "./stage.ts";
export type { Next, PipelineCall, Step } from "./step.ts";
export { type Implementation, ImplementedService, implement, type ImplementOptions, type Service } from "./implement.ts";
