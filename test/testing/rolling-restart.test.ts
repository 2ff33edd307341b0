import { playSeeds, type SeededTest } from "nano-rpc/testing";
import { expect, test } from "vitest";
import { goneMs, noSums, numberedPushes, type Sums, startBank, wrongSums } from "./tellers.ts";
import { visit } from "./visitors.ts";

const only = process.env["SEED"];
const seeds = only === undefined ? Array.from({ length: 12 }, (_, at) => at + 1) : [Number(only)];
const gates = ["gate-1", "gate-2"] as const;

const entered = new Set<string>();
const sumsOf = new WeakMap<SeededTest, Sums>();
let claimed = 0;

test("frontends that are restarted in turn lose nobody's session: nothing is lost, nothing comes twice", async () => {
  const traces: string[] = [];
  await playSeeds({
    seeds,
    cluster: { latencyMs: 2, record: { numbered: numberedPushes((session) => entered.has(session)) } },
    play,
    check,
    goneMs,
    alone: (seed) => `SEED=${seed} npx vitest run test/testing/rolling-restart.test.ts`,
    failed: (_seed, _wrong, trace) => void traces.push(...trace),
  }).finally(() => {
    if (only !== undefined) console.log(traces.join("\n"));
  });
  expect(claimed).toBeGreaterThan(seeds.length);
}, 180_000);

async function play(seeded: SeededTest): Promise<void> {
  const { cluster } = seeded;
  const sums = noSums();
  entered.clear();
  sumsOf.set(seeded, sums);
  await startBank(cluster, sums);
  let over = false;
  const visits: Promise<void>[] = [];
  for (const [at, user] of ["", "ann", "bob", "cyd"].entries()) {
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
  for (const id of [...gates, gates[0]]) {
    await cluster.advance(1_000 + seeded.random.next() * 1_000);
    const others = cluster.servers.filter((server) => server.id !== id);
    await cluster.stopServer(id);
    for (const { counters } of others) claimed += counters.frontend?.resumes.claimed ?? 0;
    await cluster.restart(id);
  }
  await cluster.advance(1_000);
  over = true;
  await cluster.drive(Promise.all(visits));
}

function* check(seeded: SeededTest): Iterable<string> {
  const { seen } = seeded.cluster;
  const sums = sumsOf.get(seeded);
  if (sums) yield* wrongSums(sums);
  for (const one of seen)
    if (one.what === "state" && one.state === "open" && one.via === "reset") yield `${one.client} got a new session`;
}
