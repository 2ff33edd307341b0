import type { Code } from "./code.ts";

/** Why a session ended. */
export interface CloseReason {
  /**
   * - `left`: the client said goodbye, or logged out.
   * - `lost`: the socket broke, or the frontend is gone.
   * - `kicked`: a server ended it; `code` says why.
   * - `replaced`: the same user came again.
   * - `draining`: the frontend stops.
   * - `protocol`: the client broke the protocol or a limit.
   */
  readonly kind: "left" | "lost" | "kicked" | "replaced" | "draining" | "protocol";
  /** One of the sixteen codes, a kick code, or the application's own. */
  readonly code?: KickCode | undefined;
  readonly message: string;
}

/** What a kick says to machines: one of the sixteen codes, one of nano's own five, or the application's own. */
export type KickCode = Code | "moved" | "busy" | "replaced" | "too_slow" | "must_update" | (string & {});

/** What a client is told before its connection is closed. */
export interface Kick {
  readonly code: KickCode;
  /** Words for a person. */
  readonly reason: string;
}
