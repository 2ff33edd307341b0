import { type CloseReason, NanoError } from "../error/index.ts";
import type { ClientState } from "./state.ts";

/** What a request fails with whose connection is gone: it may have been done or not. */
export function unknownOutcome(reason: CloseReason): NanoError {
  const message = `the connection has ended: ${reason.message}`;
  return new NanoError({ code: "unavailable", message, metadata: { outcome: "unknown" } });
}

/** What a request fails with that was sent in a session that is over: the client has a new one. */
export function resetOutcome(why: string): NanoError {
  const message = `the session could not be resumed (${why})`;
  return new NanoError({ code: "unavailable", message, metadata: { outcome: "unknown" } });
}

/** What a client that is closed refuses with. */
export function closedError(): NanoError {
  return new NanoError({ code: "unavailable", message: "the client is closed", metadata: { outcome: "not_sent" } });
}

/** The failure of a request that was never sent says so, and why: there was no connection. */
export function unsentError(error: NanoError, state: ClientState): NanoError {
  const outcome = { metadata: { outcome: "not_sent" }, cause: error };
  if (error.code === "unavailable") return new NanoError({ code: "unavailable", message: error.message, ...outcome });
  if (error.code !== "deadline_exceeded") return error;
  const why = state.name === "waiting" ? state.error.message : state.name;
  return new NanoError({ code: "unavailable", message: `offline (${why}): ${error.message}`, ...outcome });
}
