import type { CloseReason } from "../error/index.ts";
import { type CountedCode, countedCode } from "./counted-code.ts";

/** How many sessions ended, by the kind of their reason, and by its code: "" where it has none. */
export type CloseCounts = Readonly<Record<CloseReason["kind"], Partial<Record<CountedCode | "", number>>>>;

/** None yet. */
export function createCloseCounts(): CloseCounts {
  return { left: { "": 0 }, lost: { "": 0 }, kicked: {}, replaced: {}, draining: {}, protocol: {} };
}

/** A session has ended. */
export function countClose(counts: CloseCounts, { kind, code }: CloseReason): void {
  const of = counts[kind];
  const name = code === undefined ? "" : countedCode(code);
  of[name] = (of[name] ?? 0) + 1;
}
