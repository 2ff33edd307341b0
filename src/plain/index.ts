export { createPlainHub, type PlainHub, type PlainHubOptions } from "./plain-hub.ts";
export { type AskFrontend, createSessionService } from "./session-service.ts";
