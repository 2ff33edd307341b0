import { playSeeds, type SeededTest } from "nano-rpc/testing";
import { expect, test } from "vitest";
import { goneMs, noSums, numberedPushes, type Sums, startBank, wrongSums } from "./tellers.ts";
import { visit } from "./visitors.ts";

const only = process.env["SEED"];
const seeds = only === undefined ? Array.from({ length: 30 }, (_, at) => at + 1) : [Number(only)];
const gates = ["gate-1", "gate-2"] as const;
const troubleMs = 7_000;

const entered = new Set<string>();
const sumsOf = new WeakMap<SeededTest, Sums>();
let relayed = 0;

test("whichever frontend a client comes back to, it has its session: nothing is lost, nothing comes twice", async () => {
  const traces: string[] = [];
  await playSeeds({
    seeds,
    cluster: { latencyMs: 2, record: { numbered: numberedPushes((session) => entered.has(session)) } },
    play,
    check,
    goneMs,
    alone: (seed) => `SEED=${seed} npx vitest run test/testing/two-frontends.test.ts`,
    failed: (_seed, _wrong, trace) => void traces.push(...trace),
  }).finally(() => {
    if (only !== undefined) console.log(traces.join("\n"));
  });
  expect(relayed).toBeGreaterThan(seeds.length);
}, 180_000);

async function play(seeded: SeededTest): Promise<void> {
  const { cluster } = seeded;
  const sums = noSums();
  entered.clear();
  sumsOf.set(seeded, sums);
  await startBank(cluster, sums);
  let over = false;
  const visits: Promise<void>[] = [];
  for (const [at, user] of ["", "ann", "bob"].entries()) {
    const client = await cluster.connect(gates, { onError: () => {}, reconnect: { minDelayMs: 200, maxDelayMs: 1_000 } });
    visits.push(
      visit(seeded, client, `visitor-${at}`, {
        everyMs: 100,
        leaves: false,
        isOver: () => over,
        user,
        entered: (session) => void entered.add(session),
      }),
    );
  }
  await cluster.trouble(troubleMs, { kinds: ["drop", "delay"], between: "clients", everyMs: 300 });
  over = true;
  await cluster.drive(Promise.all(visits));
  for (const { counters } of cluster.servers) relayed += counters.frontend?.resumes.relayed ?? 0;
}

function* check(seeded: SeededTest): Iterable<string> {
  const { seen } = seeded.cluster;
  const sums = sumsOf.get(seeded);
  if (sums) yield* wrongSums(sums);
  for (const one of seen)
    if (one.what === "state" && one.state === "open" && one.via === "reset") yield `${one.client} got a new session`;
}
