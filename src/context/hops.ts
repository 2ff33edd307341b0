import { NanoError } from "../error/index.ts";

const hopLimit = 8;

/** Counts the server that a call has come to. Throws `failed_precondition` where it has passed too many: servers that call each other in a circle. */
export function nextHop(hops: number): number {
  if (hops < hopLimit) return hops + 1;
  throw new NanoError({ code: "failed_precondition", message: `the call has passed ${hopLimit} servers` });
}
