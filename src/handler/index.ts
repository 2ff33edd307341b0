export { accessRefusal } from "./access.ts";
export type { Breakable } from "./handler-call.ts";
export { createHandlers, type Handlers, type HandlersOptions, type MessageInfo } from "./handlers.ts";
export { createPlainHandlers, type PlainHandlers, type PlainHandlersOptions } from "./plain-handlers.ts";
