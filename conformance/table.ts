import type { Result } from "./run-kit.ts";

const nameWidth = 22;

/** One point and what came of it; where it did not pass, why, on lines of their own. */
export function tableRow({ name, says, outcome, why }: Result): string {
  const row = `${outcome.padEnd(7)}  ${name.padEnd(nameWidth)}  ${says}`;
  return why === undefined ? row : `${row}\n${" ".repeat(9)}${why.replaceAll("\n", `\n${" ".repeat(9)}`)}`;
}

/** As "40 passed, 1 failed, 2 skipped". */
export function total(results: readonly Result[]): string {
  const count = (outcome: Result["outcome"]): number => results.filter((one) => one.outcome === outcome).length;
  return `${count("passed")} passed, ${count("failed")} failed, ${count("skipped")} skipped`;
}
