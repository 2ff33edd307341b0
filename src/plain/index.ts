export { createPlainHub, type PlainHub, type PlainHubOptions } from "./plain-hub.ts";
export { createPlainPort, type PlainPortOptions, takeCall } from "./plain-port.ts";
export { type AskedFrontend, createSessionService } from "./session-service.ts";
