import { writeFileSync } from "node:fs";
import { systemClock, systemRandom } from "../clock/index.ts";
import type { RunArguments } from "./arguments.ts";
import { tooBusy } from "./busyness.ts";
import { playInCrew } from "./crew.ts";
import { expose } from "./exposition.ts";
import { createGathering } from "./gathering.ts";
import { junitOf } from "./junit.ts";
import { createMeetings } from "./meetings.ts";
import { pageOf } from "./page/page.ts";
import { clientOf, scenarioOf } from "./plan.ts";
import { reportOf } from "./play.ts";
import { playShare } from "./play-share.ts";
import { showProgress } from "./progress.ts";
import { describe, type Report, type Sample } from "./report.ts";
import type { Shell } from "./run-bots.ts";
import { watchServers } from "./server-watch.ts";
import type { Tally } from "./tally.ts";

/** Plays a plan, and writes what comes of it. Gives the exit code. */
export async function runPlan(given: RunArguments, shell: Shell): Promise<number> {
  const report = await run(given, shell);
  shell.print(describe(report));
  const busy = tooBusy(report);
  if (busy !== undefined) shell.complain(busy);
  if (given.json !== undefined) writeFileSync(given.json, `${JSON.stringify(report, null, 2)}\n`);
  if (given.junit !== undefined) writeFileSync(given.junit, junitOf(report));
  if (given.report !== undefined) writeFileSync(given.report, pageOf(report));
  return report.breaches.length === 0 ? 0 : 1;
}

async function run({ plan, processes, prometheus, metrics }: RunArguments, shell: Shell): Promise<Report> {
  const { screen, interrupted: signal } = shell;
  const [clock, random] = [systemClock, systemRandom];
  const client = clientOf(plan);
  const scenario = await scenarioOf(plan);
  const gathering = createGathering();
  const progress = screen && showProgress(scenario, screen);
  let last: Sample | undefined;
  const exposition = prometheus ? await expose(prometheus, gathering, () => last) : undefined;
  if (exposition) shell.print(`metrics at http://${exposition.address}/metrics`);
  const watch = metrics.length > 0 ? watchServers(metrics, clock) : undefined;
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
    if (processes > 1) {
      const go = (): void => {
        [beganMs, began] = [clock.now(), clock.wallNow()];
      };
      await playInCrew(plan, processes, { signal, told, go, over: () => void through++ });
    } else {
      const share = { of: 1, at: 0 };
      await playShare(scenario, {
        ...{ share, clientOf: client, meetings: createMeetings(), signal, clock, random },
        told: (tally) => told(tally, 0),
      });
    }
  } finally {
    watch?.stop();
    await exposition?.close();
    progress?.end();
  }
  return reportOf(scenario, gathering, { began, durationMs: clock.now() - beganMs, server: watch?.series() ?? [] });
}
