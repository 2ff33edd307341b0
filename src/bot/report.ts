import { formatBusy } from "./busyness.ts";

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

/** The pushes of one route that bots waited for, or followed. How long they took is about those whose time is known. */
export interface PushReport extends Durations {
  readonly route: string;
  readonly expected: number;
  readonly came: number;
  /** Those that came once more than they should. */
  readonly duplicates: number;
}

/** What bots checked by `bot.check`. */
export interface CheckReport {
  readonly what: string;
  readonly held: number;
  readonly failed: number;
}

/** One second of a run. */
export interface Sample extends Durations {
  /** Since the run began. */
  readonly atMs: number;
  readonly users: number;
  /** Users whose connection is open. */
  readonly connections: number;
  /** How busy each process of nano-bot was, from 0 to 1: near 1 it measures itself. */
  readonly busy: readonly number[];
  /** Answered calls. */
  readonly perSecond: number;
  readonly failed: number;
  /** By code. */
  readonly errors: { readonly [code: string]: number };
  readonly pushes: Durations & { readonly perSecond: number; readonly duplicates: number };
}

/** What came of a run, in figures. */
export interface Figures {
  /** All that ever were. */
  readonly users: number;
  /** Connecting is among these two. */
  readonly answered: number;
  readonly failed: number;
  /** Of all answered calls, without connecting. */
  readonly all: Durations;
  /** The same, one by one: how many took no longer than so many milliseconds, and longer than the one before. */
  readonly distribution: readonly (readonly [toMs: number, count: number])[];
  readonly calls: readonly CallReport[];
  readonly pushes: readonly PushReport[];
  /** How busy each process of nano-bot was over the whole run, from 0 to 1. */
  readonly busy: readonly number[];
  /** Connections that broke while their user was there. */
  readonly drops: number;
  /** How they came back: `resume`, `moved`, `reset`. */
  readonly returns: { readonly [via: string]: number };
  readonly checks: readonly CheckReport[];
  /** Users that ended early, by reason. */
  readonly broken: { readonly [why: string]: number };
  readonly samples: readonly Sample[];
}

/** A metric of a server, as it was each second; null where the server did not tell. Counters are told by how much they grew a second. */
export interface ServerSeries {
  /** As `nano_sessions`; behind it, where there are several servers, which one. */
  readonly name: string;
  readonly help: string;
  readonly values: readonly (number | null)[];
}

/** One threshold, and what came of it. */
export interface Verdict {
  /** As "p99 <= 50 ms". */
  readonly threshold: string;
  readonly holds: boolean;
  /** What was seen, in words: "p99 is 62 ms, more than 50 ms". */
  readonly words: string;
}

/** What came of a run. */
export interface Report extends Figures {
  readonly scenario: string;
  /** When it began, as ISO 8601. */
  readonly began: string;
  readonly durationMs: number;
  /** The server's own metrics beside the samples, where they were asked for. */
  readonly server: readonly ServerSeries[];
  /** Each threshold, and what came of it. */
  readonly verdicts: readonly Verdict[];
  /** What does not hold, in words. Empty where all is well. */
  readonly breaches: readonly string[];
}

/** The report for people. */
export function describe(report: Report): string {
  const { calls, pushes, drops, returns, checks, broken, breaches } = report;
  const took = ({ p50Ms, p95Ms, p99Ms, maxMs }: Durations): string[] =>
    maxMs > 0 ? [p50Ms, p95Ms, p99Ms, maxMs].map(formatMs) : ["-", "-", "-", "-"];
  const rows = calls.map((call) => [call.route, `${call.answered}`, `${call.failed}`, ...took(call)]);
  const pushRows = pushes.map((push) => [
    ...[push.route, `${push.came}`, `${Math.max(0, push.expected - push.came)}`, `${push.duplicates}`],
    ...took(push),
  ]);
  const heads = ["p50", "p95", "p99", "max"];
  const ways = Object.entries(returns).map(([via, count]) => `${count} by ${via}`);
  return [
    `${report.scenario}: ${report.users} users in ${(report.durationMs / 1_000).toFixed(1)} s`,
    ...table([["calls", "answered", "failed", ...heads], ...rows]),
    ...(pushes.length > 0 ? table([["pushes", "came", "lost", "twice", ...heads], ...pushRows]) : []),
    ...calls.flatMap(({ route, errors }) => Object.entries(errors).map(([code, count]) => `${count} x ${route}: ${code}`)),
    ...(drops > 0 ? [`${drops} connections broke, and came back: ${ways.join(", ") || "none"}`] : []),
    ...checks.map(({ what, held, failed }) => `${failed === 0 ? "held" : "did not hold"}: ${what} (${held} of ${held + failed})`),
    ...Object.entries(broken).map(([why, count]) => `${count} users ended early: ${why}`),
    `nano-bot itself was busy for ${formatBusy(report.busy)} of the time`,
    ...(breaches.length > 0 ? breaches.map((breach) => `FAILED: ${breach}`) : ["passed"]),
  ].join("\n");
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

export function formatMs(ms: number): string {
  return `${ms < 10 ? Number(ms.toFixed(2)) : Math.round(ms)} ms`;
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join("  "),
  );
}
