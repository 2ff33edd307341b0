import { type Client, type ClientOptions, createClient } from "../client/index.ts";
import { type Clock, type Random, sleep, within } from "../clock/index.ts";
import { tapped } from "../dial/index.ts";
import { NanoError } from "../error/index.ts";
import { createAlarm } from "./alarm.ts";
import { createBot } from "./bot.ts";
import { watchBusyness } from "./busyness.ts";
import { connecting, createLedger } from "./ledger.ts";
import type { Meetings } from "./meetings.ts";
import type { Scenario, Stage } from "./scenario.ts";
import type { Tally } from "./tally.ts";

/** Which users of a run are played here: of each so many one, beginning with that. */
export interface Share {
  readonly of: number;
  readonly at: number;
}

/** How a share is played. */
export interface ShareOptions {
  readonly share: Share;
  readonly clientOf: (index: number) => ClientOptions;
  readonly meetings: Meetings;
  readonly signal: AbortSignal | undefined;
  /** Hears each second what has happened, and once more in the end. */
  readonly told: (tally: Tally) => void;
  readonly clock: Clock;
  readonly random: Random;
}

const stepMs = 20;
const sampleMs = 1_000;
// What is under way when the run ends is waited for: left out, the slowest would not be in the figures.
const graceMs = 10_000;
// The place of a user who failed stays empty for a while, so that a server that refuses is not stormed.
const restMs = 1_000;
const onceMs = 600_000;

/** Plays a share of a scenario to its end. */
export async function playShare(scenario: Scenario, options: ShareOptions): Promise<void> {
  const { share, clientOf, meetings, clock, random } = options;
  const ledger = createLedger();
  const alarm = createAlarm(clock);
  const busy = watchBusyness();
  const tell = (): void => options.told({ ...ledger.take(staying.size), busy: busy() });
  const staying = new Set<AbortController>();
  const runs = new Set<Promise<void>>();
  const beganMs = clock.now();
  let begun = 0;

  function begin(dueMs: number): void {
    const leave = new AbortController();
    staying.add(leave);
    ledger.began();
    const run = live(share.at + begun++ * share.of, dueMs, leave.signal).finally(() => {
      staying.delete(leave);
      runs.delete(run);
    });
    runs.add(run);
  }

  function clientFor(index: number) {
    const given = clientOf(index);
    const socket = tapped(given.transport);
    const user = scenario.credentials?.(index);
    const client: Client = createClient({
      ...given,
      transport: socket.transport,
      ...(user ? { handshake: { ...given.handshake, user } } : {}),
      onError: (reason) => ledger.broke(describeReason(reason)),
    });
    client.onState((state, before) => ledger.state(state, before));
    return { client, socket };
  }

  async function live(index: number, dueMs: number, signal: AbortSignal): Promise<void> {
    const { client, socket } = clientFor(index);
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
      const run = scenario.run(createBot({ client, socket, index, signal, ledger, meetings, clock, alarm, random }));
      await Promise.race([run, overdue(signal)]);
    } catch (reason) {
      if (signal.aborted) return;
      ledger.broke(describeReason(reason));
      await client.close();
      if (!scenario.once) await sleep(clock, restMs, signal).catch(() => {});
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

  /** How many of all are played here. */
  const own = (all: number): number => Math.floor((all + share.of - 1 - share.at) / share.of);

  let arrived = 0;
  /** Brings users in and sends them away. False when the run is over. */
  function step(elapsedMs: number): boolean {
    const { stages, rate, once } = scenario;
    if (rate) {
      const { perSecond, forMs, maxUsers = 10_000 } = rate;
      const dueMs = (user: number): number => ((share.at + user * share.of) * 1_000) / perSecond;
      for (; dueMs(arrived) < Math.min(elapsedMs, forMs); arrived++) {
        if (runs.size >= own(maxUsers)) ledger.failed(connecting, "resource_exhausted");
        else begin(beganMs + dueMs(arrived));
      }
      return elapsedMs < forMs;
    }
    if (once) {
      const { users, overMs = 0, withinMs = onceMs } = once;
      const due = overMs === 0 ? users : Math.min(users, Math.ceil((users * elapsedMs) / overMs));
      while (begun < own(due)) begin(clock.now());
      return elapsedMs < withinMs && (begun < own(users) || runs.size > 0);
    }
    const wanted = usersAt(stages ?? [], elapsedMs);
    const here = own(wanted ?? 0);
    while (staying.size < here) begin(clock.now());
    // Whoever came first goes first. A set may lose what it is walked over.
    for (const leave of staying) {
      if (staying.size <= here) break;
      staying.delete(leave);
      leave.abort();
    }
    return wanted !== undefined;
  }

  let told = 0;
  while (!options.signal?.aborted && step(clock.now() - beganMs)) {
    if (clock.now() - beganMs >= (told + 1) * sampleMs) {
      told++;
      tell();
    }
    await new Promise<void>((resolve) => clock.after(stepMs, resolve, { keepAlive: true }));
  }
  for (const leave of staying) leave.abort();
  await within(clock, graceMs + restMs, Promise.all(runs), () => undefined);
  for (const _ of runs) ledger.broke("not through when the run was over");
  tell();
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
