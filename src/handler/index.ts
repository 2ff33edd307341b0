export {
  accessRefusal,
  type Breakable,
  createHandlers,
  type Handlers,
  type HandlersOptions,
  type MessageInfo,
} from "./handlers.ts";
export { createPlainHandlers, type PlainHandlers, type PlainHandlersOptions } from "./plain-handlers.ts";
