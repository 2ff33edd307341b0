import { formatBusy } from "./busyness.ts";
import { formatMs, type Sample } from "./report.ts";
import type { Scenario } from "./scenario.ts";

/** Where progress is shown. */
export interface Screen {
  /** How wide it is; undefined where it is no terminal, and each line stays. */
  readonly columns: number | undefined;
  write(text: string): void;
}

/** Shows how a run goes. */
export interface Progress {
  show(sample: Sample): void;
  /** Takes away what stands on a terminal. */
  end(): void;
}

const barWidth = 30;
// Where lines stay, one a second would be a long log.
const plainEvery = 10;

/** On a terminal some lines that are drawn again in their place; elsewhere a line now and then. */
export function showProgress(scenario: Scenario, screen: Screen): Progress {
  const errors = new Map<string, number>();
  let shown = 0;
  let drawn = 0;

  function draw(lines: readonly string[]): void {
    const width = screen.columns ?? 0;
    // One that is wider would take two lines, and be drawn again in the wrong place.
    const cut = lines.map((line) => (line.length < width ? line : line.slice(0, Math.max(0, width - 1))));
    screen.write(`${rise()}\u001B[J${cut.map((line) => `${line}\n`).join("")}`);
    drawn = lines.length;
  }

  const rise = (): string => (drawn > 0 ? `\u001B[${drawn}A` : "");

  return {
    show(sample) {
      for (const [code, count] of Object.entries(sample.errors)) errors.set(code, (errors.get(code) ?? 0) + count);
      if (screen.columns !== undefined) draw(linesOf(scenario, sample, errors));
      else if (shown++ % plainEvery === 0) screen.write(`${plainLine(sample)}\n`);
    },
    end() {
      if (drawn > 0) screen.write(`${rise()}\u001B[J`);
      drawn = 0;
    },
  };
}

function plainLine({ atMs, users, perSecond, failed, busy, ...durations }: Sample): string {
  return `${Math.round(atMs / 1_000)} s: ${users} users, ${Math.round(perSecond)} calls/s, ${took(durations, ", ")}, ${failed} failed, ${formatBusy(busy)} busy`;
}

function linesOf(scenario: Scenario, sample: Sample, errors: ReadonlyMap<string, number>): readonly string[] {
  const { users, connections, perSecond, pushes } = sample;
  const codes = [...errors].map(([code, count]) => `${count} ${code}`);
  return [
    `${scenario.name}  ${stretch(scenario, sample.atMs)}`,
    `  users   ${users}, ${connections} connected`,
    `  calls   ${Math.round(perSecond)}/s   ${took(sample, "   ")}`,
    `  pushes  ${Math.round(pushes.perSecond)}/s   ${took(pushes, "   ")}`,
    `  busy    ${formatBusy(sample.busy)}   nano-bot itself`,
    `  errors  ${codes.length === 0 ? "none" : codes.join(", ")}`,
  ];
}

function took({ p50Ms, p95Ms, p99Ms }: Pick<Sample, "p50Ms" | "p95Ms" | "p99Ms">, between: string): string {
  return [`p50 ${formatMs(p50Ms)}`, `p95 ${formatMs(p95Ms)}`, `p99 ${formatMs(p99Ms)}`].join(between);
}

/** Which part of the run this is, and a bar to its end. */
function stretch(scenario: Scenario, atMs: number): string {
  const { rate, once, stages = [] } = scenario;
  if (rate) return bar(`${rate.perSecond} users a second`, 0, rate.forMs, atMs);
  if (once) return `${once.users} users, each once   ${clock(atMs)}`;
  let fromMs = 0;
  for (const [at, { users, overMs }] of stages.entries()) {
    if (atMs < fromMs + overMs)
      return bar(`stage ${at + 1} of ${stages.length}, to ${users} users`, fromMs, fromMs + overMs, atMs);
    fromMs += overMs;
  }
  return `waiting for what is under way   ${clock(atMs)}`;
}

function bar(what: string, fromMs: number, toMs: number, atMs: number): string {
  const share = Math.min(1, (atMs - fromMs) / Math.max(1, toMs - fromMs));
  const full = Math.round(share * barWidth);
  return `${what}   [${"#".repeat(full)}${"-".repeat(barWidth - full)}] ${Math.round(share * 100)} %   ${clock(atMs)} of ${clock(toMs)}`;
}

/** As "1:05". */
function clock(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
