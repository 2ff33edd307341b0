export { type DataPatch, encodePatch } from "./data-patch.ts";
export { LogBudget } from "./log-budget.ts";
export type { LogEntry } from "./log-entry.ts";
export { Mailbox, type Work } from "./mailbox.ts";
export type {
  BoundSession,
  ClientInfo,
  FormerSession,
  Handshake,
  Off,
  Patch,
  Reach,
  Session,
  Target,
  View,
} from "./session.ts";
export { SessionCore, type SessionCoreOptions, type SessionListener } from "./session-core.ts";
export { SessionData } from "./session-data.ts";
export type { SessionEvents, UserSession } from "./session-events.ts";
export type { GroupPushNumber, OutgoingPush, SessionHome } from "./session-home.ts";
export { type ServerSessionHooks, type SessionHooks, sessionHooks } from "./session-hooks.ts";
export { type LogLimits, SessionLog } from "./session-log.ts";
export { encodePush, type MustLive, SessionView } from "./session-view.ts";
export { mustBeUser } from "./user-name.ts";
export { type ContextKey, type ContextValues, contextKey, createContextValues } from "./values.ts";
