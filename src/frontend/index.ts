export type { Authenticate, Authenticated, Refusal } from "./authenticate.ts";
export type { CompressionOptions } from "./client-form.ts";
export type { ClientSession } from "./client-session.ts";
export type { DescribeError, ErrorAbout } from "./describe-error.ts";
export { createFrontend, type Frontend, type FrontendOptions } from "./frontend.ts";
export { latestKey } from "./latest-key.ts";
export { type FrontendLimits, type ResolvedLimits, resolveLimits } from "./limits.ts";
export type { UnknownMessage, UnknownOutcome, UnknownRoute } from "./unknown-route.ts";
export type { WholeMessage } from "./whole-message.ts";
