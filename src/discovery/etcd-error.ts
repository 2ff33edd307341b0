import { type Code, NanoError } from "../error/index.ts";

/** What is said here instead of etcd's "invalid auth token". */
export const tokenRefused = "the token was refused";

// Etcd tells what is wrong by words; the codes beside them are few.
const known: readonly (readonly [words: string, code: Code])[] = [
  ["requested lease not found", "not_found"],
  ["authentication failed", "unauthenticated"],
  ["user name is empty", "unauthenticated"],
  [tokenRefused, "unauthenticated"],
  ["revision of auth store is old", "unauthenticated"],
  ["permission denied", "permission_denied"],
  ["DEADLINE_EXCEEDED", "deadline_exceeded"],
];

/**
 * A failed call to etcd as a NanoError: `unavailable`, where nothing better is known. Clients may come to read it, so that etcd's words, which name
 * addresses, are in the cause alone.
 */
export function etcdError(what: string, reason: unknown): NanoError {
  if (reason instanceof NanoError) return reason;
  const { message } = NanoError.from(reason);
  const [words, code] = known.find(([each]) => message.includes(each)) ?? [];
  const told = words === undefined ? `etcd: ${what} failed` : `etcd: ${what}: ${words}`;
  return new NanoError({ code: code ?? "unavailable", message: told, cause: reason });
}

/** What went wrong, with etcd's own words: for whoever starts a server, and no client. */
export function inFull(reason: unknown): string {
  const words: string[] = [];
  for (let one = reason; one instanceof Error && words.length < mostCauses; one = one.cause) words.push(one.message);
  return words.length === 0 ? String(reason) : words.join(": ");
}

const mostCauses = 4;

/** Whether a token was not what etcd wanted to see: it was restarted, it forgot, its users were changed. The next login mends that. */
export function isStaleToken(reason: unknown): boolean {
  const { message } = NanoError.from(reason);
  return [tokenRefused, "revision of auth store is old", "user name is empty"].some((words) => message.includes(words));
}

/** Whether trying again as the same user, with the same rights, is of no use. */
export function isFinal({ code }: NanoError): boolean {
  return code === "unauthenticated" || code === "permission_denied";
}
