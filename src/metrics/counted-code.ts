import { codes, type KickCode } from "../error/index.ts";

const countedCodes = [...codes, "moved", "busy", "replaced", "too_slow", "must_update", "other"] as const;

/** A code that is counted by its name; those that are the application's own are `other`. */
export type CountedCode = (typeof countedCodes)[number];

const names: ReadonlySet<string> = new Set(countedCodes);

/** By which name a code is counted. */
export function countedCode(code: KickCode): CountedCode {
  // The set has just these.
  return names.has(code) ? (code as CountedCode) : "other";
}

/** All at zero. */
export function createCodeCounts(): Record<CountedCode, number> {
  // Every name is there once.
  return Object.fromEntries(countedCodes.map((code) => [code, 0])) as Record<CountedCode, number>;
}
