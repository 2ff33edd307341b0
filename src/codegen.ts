// The door of generated server code.
export type { HandlerContext, PublicContext, RemoteContext } from "./context/index.ts";
export type {
  Answer,
  Call,
  CallOptions,
  Codec,
  Done,
  HandlerService,
  Init,
  Notify,
  Push,
  RemoteService,
  Request,
} from "./contract/index.ts";
export { reflectCodec } from "./contract/index.ts";
export type { DeclaredError, UndeclaredError } from "./error/index.ts";
