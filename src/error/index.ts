export type { CloseReason, Kick, KickCode } from "./close-reason.ts";
export { type Code, codes, isCode } from "./code.ts";
export { type DeclaredError, NanoError, type NanoErrorOptions, type UndeclaredError } from "./nano-error.ts";
export { fromWireError, isPublic, publicError, toWireError, unpackDetail } from "./wire-error.ts";
