// The door of generated client code.
export type { Call, CallOptions, ClientService, Init, Listen } from "../contract/index.ts";
export { reflectCodec } from "../contract/index.ts";
export type { DeclaredError, UndeclaredError } from "../error/index.ts";
