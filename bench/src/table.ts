import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";

/** Prints a benchmark's table, and writes it as JSON. */
export function report(name: string, how: string, rows: readonly Readonly<Record<string, unknown>>[]): void {
  console.log(`\n${name}: ${how}`);
  console.table(rows);
  const machine = { node: process.version, cores: cpus().length, model: cpus()[0]?.model ?? "", commit: commit() };
  mkdirSync("bench/results", { recursive: true });
  writeFileSync(
    `bench/results/${name}.json`,
    `${JSON.stringify({ name, at: new Date().toISOString(), machine, how, rows }, undefined, 2)}\n`,
  );
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

export function ratio(value: number, limit: number): number {
  return limit === 0 ? 0 : Number((value / limit).toFixed(2));
}

function commit(): string {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return "";
  }
}
