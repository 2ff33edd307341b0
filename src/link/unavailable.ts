import { NanoError } from "../error/index.ts";

/** A peer that cannot be talked to now. */
export function unavailable(message: string, cause?: unknown): NanoError {
  return new NanoError({ code: "unavailable", message, cause });
}

/** What became of a link, for those who wait on it. */
export function asUnavailable(error: NanoError): NanoError {
  return error.code === "unavailable" ? error : unavailable(error.message, error);
}
