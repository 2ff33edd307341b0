import type { Thresholds } from "./scenario.ts";

/** How long something took: half of all no longer than `p50Ms`, and so on. 0 where nothing was seen. */
export interface Durations {
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** The requests of one route; `(connect)` is the way in. */
export interface CallReport extends Durations {
  readonly route: string;
  readonly answered: number;
  readonly failed: number;
  /** By code. */
  readonly errors: { readonly [code: string]: number };
}

/** The pushes of one route that bots waited for. */
export interface PushReport extends Durations {
  readonly route: string;
  readonly expected: number;
  readonly came: number;
}

/** One second of a run. */
export interface Sample extends Durations {
  /** Since the run began. */
  readonly atMs: number;
  readonly users: number;
  /** Answered calls. */
  readonly perSecond: number;
  readonly failed: number;
}

/** What came of a run. */
export interface Report {
  readonly scenario: string;
  readonly durationMs: number;
  /** All that ever were. */
  readonly users: number;
  /** Connecting is among these two. */
  readonly answered: number;
  readonly failed: number;
  /** Of all answered calls, without connecting. */
  readonly all: Durations;
  readonly calls: readonly CallReport[];
  readonly pushes: readonly PushReport[];
  /** Users that ended early, by reason. */
  readonly broken: { readonly [why: string]: number };
  readonly samples: readonly Sample[];
  /** What does not hold, in words. Empty where all is well. */
  readonly breaches: readonly string[];
}

/** What does not hold of a run. */
export function judge(report: Omit<Report, "breaches">, thresholds: Thresholds): readonly string[] {
  const breaches: string[] = [];
  const { answered, failed, all } = report;
  if (answered === 0) breaches.push("nobody came in");
  for (const key of ["p50Ms", "p95Ms", "p99Ms"] as const) {
    const limit = thresholds[key];
    if (limit === undefined) continue;
    if (all.maxMs === 0) breaches.push(`${key.slice(0, 3)} is unknown: no call was answered`);
    else if (all[key] > limit) {
      breaches.push(`${key.slice(0, 3)} is ${formatMs(all[key])}, more than ${formatMs(limit)}`);
    }
  }
  const errors = failed / Math.max(1, answered + failed);
  if (thresholds.errors !== undefined && errors > thresholds.errors) {
    breaches.push(`${percent(errors)} of the calls failed, more than ${percent(thresholds.errors)}`);
  }
  if (thresholds.delivered !== undefined) {
    const expected = sum(report.pushes.map((push) => push.expected));
    const came = sum(report.pushes.map((push) => push.came));
    if (expected === 0) breaches.push("no push was expected, so none could be delivered");
    else if (came / expected < thresholds.delivered) {
      const short = `${percent(came / expected)} of the expected pushes came (${came} of ${expected})`;
      breaches.push(`${short}, less than ${percent(thresholds.delivered)}`);
    }
  }
  return breaches;
}

/** The report for people. */
export function describe(report: Report): string {
  const { calls, pushes, broken, breaches } = report;
  const took = ({ p50Ms, p95Ms, p99Ms, maxMs }: Durations): string[] => [p50Ms, p95Ms, p99Ms, maxMs].map(formatMs);
  const rows = calls.map((call) => [call.route, `${call.answered}`, `${call.failed}`, ...took(call)]);
  const pushRows = pushes.map((push) => [push.route, `${push.came}`, `${push.expected - push.came}`, ...took(push)]);
  const heads = ["p50", "p95", "p99", "max"];
  return [
    `${report.scenario}: ${report.users} users in ${(report.durationMs / 1_000).toFixed(1)} s`,
    ...table([["calls", "answered", "failed", ...heads], ...rows]),
    ...(pushes.length > 0 ? table([["pushes", "came", "lost", ...heads], ...pushRows]) : []),
    ...calls.flatMap(({ route, errors }) => Object.entries(errors).map(([code, count]) => `${count} x ${route}: ${code}`)),
    ...Object.entries(broken).map(([why, count]) => `${count} users ended early: ${why}`),
    ...(breaches.length > 0 ? breaches.map((breach) => `FAILED: ${breach}`) : ["passed"]),
  ].join("\n");
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

export function formatMs(ms: number): string {
  return `${ms < 10 ? Number(ms.toFixed(2)) : Math.round(ms)} ms`;
}

// Rounded, 99.996 of a hundred would read as all of them.
function percent(share: number): string {
  return `${Number((share * 100).toPrecision(6))} %`;
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join("  "),
  );
}
