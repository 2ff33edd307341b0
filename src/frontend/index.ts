export type { Authenticate, Authenticated, Refusal } from "./authenticate.ts";
export type { ClientSession } from "./client-session.ts";
export { createFrontend, type Frontend, type FrontendOptions } from "./frontend.ts";
export { type FrontendLimits, type ResolvedLimits, resolveLimits } from "./limits.ts";
