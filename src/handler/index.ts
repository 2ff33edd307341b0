export { accessRefusal, type BreakOff, createHandlers, type Handlers, type HandlersOptions } from "./handlers.ts";
