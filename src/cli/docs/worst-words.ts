import type { WorstCase } from "./worst-case.ts";

/** A worst case as it is read. */
export function worstWords(worst: WorstCase): string {
  return typeof worst === "number" ? `${worst}` : `unbounded (\`${worst.unbounded}\`)`;
}
