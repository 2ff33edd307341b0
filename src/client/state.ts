import type { CloseReason, NanoError } from "../error/index.ts";

/** How a client stands with its server. */
export type ClientState =
  | { readonly name: "idle" }
  | { readonly name: "connecting"; readonly attempt: number }
  /**
   * The session is open. `first`: it is new. `resume`: nothing was lost. `moved`: the same, on another frontend. `reset`: a new one
   * in place of one whose history is gone, so log in again; `reset` says why (docs/sessions.md lists the reasons).
   */
  | {
      readonly name: "open";
      readonly via: "first" | "resume" | "reset" | "moved";
      readonly session: string;
      readonly reset?: string;
    }
  /** There is no connection; `attempt` tells how many tries have failed since. */
  | { readonly name: "waiting"; readonly attempt: number; readonly retryInMs: number; readonly error: NanoError }
  | { readonly name: "closed"; readonly reason: CloseReason };
