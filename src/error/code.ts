/** Why a call failed: one of the sixteen codes of gRPC, as Connect writes them. Written out, so that tsc calls it by its name. */
export type Code =
  | "canceled"
  | "unknown"
  | "invalid_argument"
  | "deadline_exceeded"
  | "not_found"
  | "already_exists"
  | "permission_denied"
  | "resource_exhausted"
  | "failed_precondition"
  | "aborted"
  | "out_of_range"
  | "unimplemented"
  | "internal"
  | "unavailable"
  | "data_loss"
  | "unauthenticated";

/** The sixteen codes, in the order of their numbers. */
export const codes = [
  "canceled",
  "unknown",
  "invalid_argument",
  "deadline_exceeded",
  "not_found",
  "already_exists",
  "permission_denied",
  "resource_exhausted",
  "failed_precondition",
  "aborted",
  "out_of_range",
  "unimplemented",
  "internal",
  "unavailable",
  "data_loss",
  "unauthenticated",
] as const satisfies readonly Code[];

const known: ReadonlySet<string> = new Set(codes);

/** Whether a text is one of the sixteen codes. */
export function isCode(text: string): text is Code {
  return known.has(text);
}
