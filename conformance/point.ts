import type { Stand } from "./stand.ts";

/** One thing that the protocol says, and how to see whether a server does so. */
export interface Point {
  /** As "session.bind". */
  readonly name: string;
  /** What the protocol says, in a sentence. */
  readonly says: string;
  /** Throws where the server does not. */
  check(stand: Stand): Promise<void>;
}

/** What was seen is not what the protocol says. */
export class Failed extends Error {
  override readonly name = "Failed";
}

/** The point is nothing to this server, or cannot be seen here. */
export class Skipped extends Error {
  override readonly name = "Skipped";
}

/** Fails with these words where it is not so. */
export function must(so: boolean, otherwise: string): asserts so {
  if (!so) throw new Failed(otherwise);
}

/** What JSON makes of the two must be the same. */
export function mustEqual(what: string, seen: unknown, expected: unknown): void {
  const [one, other] = [JSON.stringify(seen), JSON.stringify(expected)];
  if (one !== other) throw new Failed(`${what}: ${one}, not ${other}`);
}
