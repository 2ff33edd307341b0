export { type At, atSites, type Entry } from "./entry.ts";
export { type Implementation, ImplementedService, type ImplementOptions, implement, type Service } from "./implement.ts";
export { answerPlainly, type BeginPlainCall, plainDeadlineMs, plainError } from "./plain-call.ts";
export { byMethod, type PlainMethod, servePlainly } from "./plain-services.ts";
export { type Outlet, run } from "./run.ts";
export { type Next, onlyFor, type PipelineCall, type Step } from "./step.ts";
export { tracedName, tracedOutlet } from "./traced-outlet.ts";
