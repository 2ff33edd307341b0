import { NanoError, publicError, toWireError } from "../error/index.ts";
import type { Outcome } from "../link/index.ts";

/** Nothing was done: the key that was asked for has its home elsewhere. Never seen by applications: whoever asked asks there. */
export class WrongServer extends NanoError {
  /** The incarnation of the server that has it. 0: none has it, and this one will not. */
  readonly home: bigint;

  constructor(home: bigint) {
    const message = home === 0n ? "the key has no home on this server, and gets none" : "the key has its home on another server";
    super({ code: "unavailable", message });
    this.home = home;
  }
}

/** A failure as links tell it. */
export function failureOutcome(reason: unknown): Outcome {
  if (reason instanceof WrongServer) return { case: "wrongServer", value: reason.home };
  return { case: "error", value: toWireError(publicError(reason)) };
}
