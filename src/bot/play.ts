import type { Client } from "../client/index.ts";
import { type Clock, type Random, sleep, systemClock, systemRandom, within } from "../clock/index.ts";
import { NanoError } from "../error/index.ts";
import { createBot } from "./bot.ts";
import { connecting, createLedger, durationsOf } from "./ledger.ts";
import { createMeetings } from "./meetings.ts";
import { judge, type Report, type Sample, sum } from "./report.ts";
import type { Scenario, Stage } from "./scenario.ts";

/** How a scenario is played. */
export interface PlayOptions {
  /** Makes the client of one user; it is connected, and closed, by whoever plays. */
  readonly open: (onError: (reason: unknown) => void) => Client;
  /** Ends the run early. */
  readonly signal?: AbortSignal;
  /** Hears of each second. */
  readonly onSample?: (sample: Sample) => void;
  /** The default is the machine's. */
  readonly clock?: Clock;
  /** The default is the machine's. */
  readonly random?: Random;
}

const stepMs = 20;
const sampleMs = 1_000;
// What is under way when the run ends is waited for: left out, the slowest would not be in the figures.
const graceMs = 10_000;
// The place of a user who failed stays empty for a while, so that a server that refuses is not stormed.
const restMs = 1_000;

/** Plays a scenario to its end. */
export async function play(scenario: Scenario, options: PlayOptions): Promise<Report> {
  const { clock = systemClock, random = systemRandom } = options;
  const ledger = createLedger();
  const meetings = createMeetings();
  const staying = new Set<AbortController>();
  const runs = new Set<Promise<void>>();
  const samples: Sample[] = [];
  const beganMs = clock.now();
  let begun = 0;

  function begin(dueMs: number): void {
    const leave = new AbortController();
    staying.add(leave);
    const run = live(begun++, dueMs, leave.signal).finally(() => {
      staying.delete(leave);
      runs.delete(run);
    });
    runs.add(run);
  }

  async function live(index: number, dueMs: number, signal: AbortSignal): Promise<void> {
    const client = options.open((reason) => ledger.broke(describeReason(reason)));
    try {
      try {
        // Not given up when the user has to go: whom the server kept waiting would not be in the figures.
        await client.connect();
        ledger.connected(clock.now() - dueMs);
      } catch (reason) {
        ledger.failed(connecting, NanoError.from(reason).code);
        throw reason;
      }
      if (signal.aborted) return;
      const run = scenario.run(createBot({ client, index, signal, ledger, meetings, clock, random }));
      await Promise.race([run, overdue(signal)]);
    } catch (reason) {
      if (signal.aborted) return;
      ledger.broke(describeReason(reason));
      await client.close();
      await sleep(clock, restMs, signal).catch(() => {});
    } finally {
      await client.close();
    }
  }

  /** Resolves when a user who had to go had time enough for it. */
  function overdue(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      signal.addEventListener("abort", () => clock.after(graceMs, resolve), { once: true });
    });
  }

  function sample(): void {
    const made = ledger.sample(clock.now() - beganMs, staying.size);
    samples.push(made);
    options.onSample?.(made);
  }

  let arrived = 0;
  /** Brings users in and sends them away. False when the run is over. */
  function step(elapsedMs: number): boolean {
    const { stages, rate } = scenario;
    if (rate) {
      const { perSecond, forMs, maxUsers = 10_000 } = rate;
      for (; arrived < Math.min(elapsedMs, forMs) * (perSecond / 1_000); arrived++) {
        if (runs.size >= maxUsers) ledger.failed(connecting, "resource_exhausted");
        else begin(beganMs + (arrived * 1_000) / perSecond);
      }
      return elapsedMs < forMs;
    }
    const wanted = usersAt(stages ?? [], elapsedMs);
    while (staying.size < (wanted ?? 0)) begin(clock.now());
    for (const leave of [...staying].slice(0, Math.max(0, staying.size - (wanted ?? 0)))) {
      staying.delete(leave);
      leave.abort();
    }
    return wanted !== undefined;
  }

  while (!options.signal?.aborted && step(clock.now() - beganMs)) {
    if (clock.now() - beganMs >= (samples.length + 1) * sampleMs) sample();
    await new Promise<void>((resolve) => clock.after(stepMs, resolve, { keepAlive: true }));
  }
  for (const leave of staying) leave.abort();
  await within(clock, graceMs + restMs, Promise.all(runs), () => undefined);
  for (const _ of runs) ledger.broke("not through when the run was over");
  sample();

  const calls = ledger.calls();
  const report = {
    scenario: scenario.name,
    durationMs: clock.now() - beganMs,
    users: begun,
    answered: sum(calls.map((call) => call.answered)),
    failed: sum(calls.map((call) => call.failed)),
    all: durationsOf(ledger.total),
    calls,
    pushes: ledger.pushes(),
    broken: Object.fromEntries(ledger.broken),
    samples,
  };
  return { ...report, breaches: judge(report, scenario.thresholds ?? {}) };
}

/** How many users there are to be; undefined when all stages are over. */
function usersAt(stages: readonly Stage[], elapsedMs: number): number | undefined {
  let [before, fromMs] = [0, 0];
  for (const { users, overMs } of stages) {
    if (elapsedMs < fromMs + overMs) return Math.round(before + ((users - before) * (elapsedMs - fromMs)) / overMs);
    before = users;
    fromMs += overMs;
  }
  return undefined;
}

function describeReason(reason: unknown): string {
  if (reason instanceof NanoError) return `${reason.code}: ${reason.message}`;
  return reason instanceof Error ? `${reason.name}: ${reason.message}` : String(reason);
}
