import { type Busyness, shareOf } from "./busyness.ts";
import { Counters } from "./counters.ts";
import { createHistogram, type Histogram } from "./histogram.ts";
import { connecting, entry } from "./ledger.ts";
import { type CallReport, type Durations, type Figures, type PushReport, type Sample, sum } from "./report.ts";
import type { Tally } from "./tally.ts";

/** Adds up what bots saw, in this process or in several. */
export interface Gathering {
  /** @param from Which process tells. */
  add(tally: Tally, from?: number): void;
  /** What came since the last sample. */
  sample(atMs: number): Sample;
  /** All that came. */
  figures(): Figures;
  /** The latencies of one route; undefined where there is none. */
  latencies(route: string): Histogram | undefined;
}

interface Calls {
  readonly took: Histogram;
  readonly errors: Counters;
}

interface Pushes {
  readonly took: Histogram;
  expected: number;
  came: number;
  duplicates: number;
}

export function createGathering(): Gathering {
  const calls = new Map<string, Calls>();
  const pushes = new Map<string, Pushes>();
  const all = createHistogram();
  const [returns, held, unheld, broken] = [new Counters(), new Counters(), new Counters(), new Counters()];
  const now = new Map<number, { readonly users: number; readonly connections: number; readonly busy: Busyness }>();
  const busy = new Map<number, Busyness>();
  const recent = { took: createHistogram(), pushes: createHistogram(), errors: new Counters(), came: 0, duplicates: 0 };
  let [begun, drops, sampledMs] = [0, 0, 0];
  const samples: Sample[] = [];

  return {
    add(tally, from = 0) {
      now.set(from, tally);
      const { busyMs, ofMs } = busy.get(from) ?? { busyMs: 0, ofMs: 0 };
      busy.set(from, { busyMs: busyMs + tally.busy.busyMs, ofMs: ofMs + tally.busy.ofMs });
      begun += tally.begun;
      drops += tally.drops;
      for (const [route, { took, errors }] of Object.entries(tally.calls)) {
        const of = entry(calls, route, () => ({ took: createHistogram(), errors: new Counters() }));
        of.took.merge(took);
        of.errors.addAll(errors);
        recent.errors.addAll(errors);
        if (route !== connecting) for (const histogram of [all, recent.took]) histogram.merge(took);
      }
      for (const [route, { took, expected, came, duplicates }] of Object.entries(tally.pushes)) {
        const of = entry(pushes, route, () => ({ took: createHistogram(), expected: 0, came: 0, duplicates: 0 }));
        for (const histogram of [of.took, recent.pushes]) histogram.merge(took);
        of.expected += expected;
        of.came += came;
        of.duplicates += duplicates;
        recent.came += came;
        recent.duplicates += duplicates;
      }
      for (const [counters, numbers] of [
        [returns, tally.returns],
        [held, tally.held],
        [unheld, tally.unheld],
        [broken, tally.broken],
      ] as const) {
        counters.addAll(numbers);
      }
    },
    sample(atMs) {
      const perSecond = (count: number): number => (count * 1_000) / Math.max(1, atMs - sampledMs);
      const made: Sample = {
        atMs,
        users: sum([...now.values()].map(({ users }) => users)),
        connections: sum([...now.values()].map(({ connections }) => connections)),
        busy: byProcess(now, (tally) => tally.busy),
        perSecond: perSecond(recent.took.count),
        ...{ failed: recent.errors.sum, errors: recent.errors.take(), ...durationsOf(recent.took) },
        pushes: { perSecond: perSecond(recent.came), duplicates: recent.duplicates, ...durationsOf(recent.pushes) },
      };
      sampledMs = atMs;
      recent.took.clear();
      recent.pushes.clear();
      recent.came = recent.duplicates = 0;
      samples.push(made);
      return made;
    },
    figures() {
      const byRoute = [...calls].map(([route, { took, errors }]): CallReport => {
        return { route, answered: took.count, failed: errors.sum, errors: errors.read(), ...durationsOf(took) };
      });
      const [holding, not] = [held.read(), unheld.read()];
      return {
        users: begun,
        answered: sum(byRoute.map((one) => one.answered)),
        failed: sum(byRoute.map((one) => one.failed)),
        all: durationsOf(all),
        calls: byRoute,
        pushes: [...pushes].map(([route, { took, ...counts }]): PushReport => ({ route, ...counts, ...durationsOf(took) })),
        drops,
        busy: byProcess(busy, (all) => all),
        returns: returns.read(),
        checks: [...new Set([...Object.keys(holding), ...Object.keys(not)])].map((what) => {
          return { what, held: holding[what] ?? 0, failed: not[what] ?? 0 };
        }),
        broken: broken.read(),
        distribution: all.bars(),
        samples,
      };
    },
    latencies: (route) => calls.get(route)?.took,
  };
}

/** How busy each process was, in their order. */
function byProcess<T>(of: ReadonlyMap<number, T>, busyness: (one: T) => Busyness): readonly number[] {
  return [...of].sort(([one], [other]) => one - other).map(([, one]) => shareOf(busyness(one)));
}

function durationsOf(histogram: Histogram): Durations {
  const [p50Ms, p95Ms, p99Ms] = [0.5, 0.95, 0.99].map((share) => histogram.quantileMs(share)) as [number, number, number];
  return { p50Ms, p95Ms, p99Ms, maxMs: histogram.maxMs };
}
