import type { ClientOptions } from "../client/index.ts";
import { type Clock, type Random, systemClock, systemRandom } from "../clock/index.ts";
import { createGathering, type Gathering } from "./gathering.ts";
import { judge } from "./judge.ts";
import { createMeetings } from "./meetings.ts";
import { playShare } from "./play-share.ts";
import type { Report, Sample, ServerSeries } from "./report.ts";
import type { Scenario } from "./scenario.ts";
import { thresholdsOf } from "./thresholds.ts";

/** How a scenario is played. */
export interface PlayOptions {
  /** What the client of one user is made of; it is connected, and closed, by whoever plays. Its `onError` is not asked for: the report tells. */
  readonly clientOf: (index: number) => ClientOptions;
  /** Ends the run early. */
  readonly signal?: AbortSignal;
  /** Hears of each second. */
  readonly onSample?: (sample: Sample) => void;
  /** The default is the machine's. */
  readonly clock?: Clock;
  /** The default is the machine's. */
  readonly random?: Random;
}

/** Plays a scenario to its end, in this process. */
export async function play(scenario: Scenario, options: PlayOptions): Promise<Report> {
  const { clientOf, signal, onSample, clock = systemClock, random = systemRandom } = options;
  const gathering = createGathering();
  const beganMs = clock.now();
  const began = clock.wallNow();
  await playShare(scenario, {
    ...{ share: { of: 1, at: 0 }, clientOf, meetings: createMeetings(), signal, clock, random },
    told(tally) {
      gathering.add(tally);
      const sample = gathering.sample(clock.now() - beganMs);
      onSample?.(sample);
    },
  });
  return reportOf(scenario, gathering, { began, durationMs: clock.now() - beganMs, server: [] });
}

/** What came of a run, judged. @param run When it began, in milliseconds since 1970, how long it was, and what its server told. */
export function reportOf(
  scenario: Scenario,
  gathering: Gathering,
  run: { readonly began: number; readonly durationMs: number; readonly server: readonly ServerSeries[] },
): Report {
  const figures = gathering.figures();
  const verdicts = judge(figures, thresholdsOf(scenario.thresholds ?? {}));
  return {
    ...{ scenario: scenario.name, ...run, began: new Date(run.began).toISOString(), ...figures, verdicts },
    breaches: verdicts.filter(({ holds }) => !holds).map(({ words }) => words),
  };
}
