import { accessSync, constants, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { systemClock } from "../clock/index.ts";
import { dialRemedy } from "../dial/index.ts";
import type { RunArguments } from "./arguments.ts";
import { tooBusy } from "./busyness.ts";
import { playInCrew } from "./crew.ts";
import { expose } from "./exposition.ts";
import { createGathering } from "./gathering.ts";
import { junitOf } from "./junit.ts";
import { pageOf } from "./page/page.ts";
import { clientOf, scenarioOf } from "./plan.ts";
import { reportOf } from "./play.ts";
import { showProgress } from "./progress.ts";
import { describe, type Report, type Sample } from "./report.ts";
import type { Shell } from "./run-bots.ts";
import { watchServers } from "./server-watch.ts";
import type { Tally } from "./tally.ts";

/** Plays a plan, and writes what comes of it. Gives the exit code. */
export async function runPlan(given: RunArguments, shell: Shell): Promise<number> {
  for (const name of ["json", "junit", "report"] as const) mustBeWritable(name, given[name]);
  const report = await run(given, shell);
  shell.print(describe(report));
  const busy = tooBusy(report);
  if (busy !== undefined) shell.complain(busy);
  const remedy = nobodyCame(report) ? dialRemedy(Object.keys(report.broken), given.plan.url) : "";
  if (remedy !== "") shell.complain(remedy);
  if (given.json !== undefined) writeFileSync(given.json, `${JSON.stringify(report, null, 2)}\n`);
  if (given.junit !== undefined) writeFileSync(given.junit, junitOf(report));
  if (given.report !== undefined) writeFileSync(given.report, pageOf(report));
  return report.breaches.length === 0 ? 0 : 1;
}

async function run({ plan, processes, prometheus, metrics }: RunArguments, shell: Shell): Promise<Report> {
  const { screen, interrupted: signal } = shell;
  const clock = systemClock;
  // What is wrong with the address is said here.
  clientOf(plan);
  const scenario = await scenarioOf(plan);
  const gathering = createGathering();
  const progress = screen && showProgress(scenario, screen);
  let last: Sample | undefined;
  const exposition = prometheus ? await expose(prometheus, gathering, () => last) : undefined;
  if (exposition) shell.print(`metrics at http://${exposition.address}/metrics`);
  const watch = metrics.length > 0 ? watchServers(metrics, clock) : undefined;
  for (const fault of (await watch?.begun) ?? []) shell.complain(`--metrics ${fault}; what it tells later is in the report`);
  let beganMs = clock.now();
  let began = clock.wallNow();
  const heard = new Set<number>();
  let through = 0;

  /** Samples when all have told what they saw of a second. */
  function told(tally: Tally, from: number): void {
    gathering.add(tally, from);
    heard.add(from);
    if (heard.size < processes - through) return;
    heard.clear();
    last = gathering.sample(clock.now() - beganMs);
    watch?.mark();
    progress?.show(last);
  }

  try {
    const go = (): void => {
      [beganMs, began] = [clock.now(), clock.wallNow()];
    };
    await playInCrew(plan, processes, { signal, told, go, over: () => void through++ });
  } finally {
    watch?.stop();
    await exposition?.close();
    progress?.end();
  }
  return reportOf(scenario, gathering, { began, durationMs: clock.now() - beganMs, server: watch?.series() ?? [] });
}

/** Whoever has played for an hour wants to keep what came of it. Throws a TypeError. */
function mustBeWritable(name: string, file: string | undefined): void {
  if (file === undefined) return;
  const there = statSync(file, { throwIfNoEntry: false });
  if (there?.isDirectory()) throw new TypeError(`--${name} ${file} is a folder: name a file in it`);
  try {
    accessSync(there ? file : dirname(file), constants.W_OK);
  } catch {
    throw new TypeError(`--${name} ${file} cannot be written: is its folder there?`);
  }
}

function nobodyCame({ calls }: Report): boolean {
  const connects = calls.find(({ route }) => route === "(connect)");
  return connects !== undefined && connects.answered === 0 && connects.failed > 0;
}
