// The door of generated client code.
export type { Call, CallOptions, ClientService, Findings, Init, Listen, MessageCheck } from "../contract/index.ts";
export { allDifferent, characters, reflectCodec, utf8Bytes } from "../contract/index.ts";
export type { DeclaredError, UndeclaredError } from "../error/index.ts";
