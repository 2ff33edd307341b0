import { playSeeds, type SeededTest, type Seen } from "nano-rpc/testing";
import { expect, test } from "vitest";
import { goneMs, lastWords, noSums, numberedPushes, type Sums, startBank, tickMs, wrongSums } from "./tellers.ts";
import { visit } from "./visitors.ts";

/** Seeds that failed once. They are played first. */
const kept: readonly number[] = [4, 11, 48];
const ordinary = 300;
const only = process.env["SEED"];
const played =
  only === undefined ? [...new Set([...kept, ...Array.from({ length: ordinary }, (_, at) => at + 1)])] : [Number(only)];
const atOnce = 50;
const batches = Array.from({ length: Math.ceil(played.length / atOnce) }, (_, at) =>
  played.slice(at * atOnce, (at + 1) * atOnce),
);

/** Sessions that every teller knows of. */
const entered = new Set<string>();
const sumsOf = new WeakMap<SeededTest, Sums>();
const troubleMs = 7_000;
// Who waits long for the next try sees little.
const reconnect = { minDelayMs: 200, maxDelayMs: 1_000 };

test.each(batches.map((seeds) => ({ first: seeds[0], last: seeds.at(-1), seeds })))(
  "whatever happens to sockets, links and servers, every promise is kept: seeds $first to $last",
  async ({ seeds }) => {
    const traces: string[] = [];
    await playSeeds({
      seeds,
      cluster: { latencyMs: 2, record: { numbered: numberedPushes((session) => entered.has(session)) } },
      play,
      check,
      goneMs,
      alone: (seed) => `SEED=${seed} npx vitest run test/testing/seeds.test.ts`,
      failed: (_seed, _wrong, trace) => void traces.push(...trace),
    }).finally(() => {
      if (only !== undefined) console.log(traces.join("\n"));
    });
    expect(seeds.length).toBeGreaterThan(0);
  },
  180_000,
);

async function play(test: SeededTest): Promise<void> {
  const { cluster } = test;
  const sums = noSums();
  entered.clear();
  sumsOf.set(test, sums);
  await startBank(cluster, sums);
  let over = false;
  const visits: Promise<void>[] = [];
  // The last two are one user: each throws the other out.
  for (const [at, user] of ["", "ann", "bob", "bob"].entries()) {
    const client = await cluster.connect(at % 2 === 0 ? "gate-1" : ["gate-1", "gate-2"], { onError: () => {}, reconnect });
    visits.push(
      visit(test, client, `visitor-${at}`, {
        everyMs: 200,
        leaves: true,
        isOver: () => over,
        user,
        entered: (session) => void entered.add(session),
      }),
    );
  }
  await cluster.trouble(troubleMs);
  over = true;
  await cluster.drive(Promise.all(visits));
}

function* check(test: SeededTest): Iterable<string> {
  const { seen } = test.cluster;
  const sums = sumsOf.get(test);
  if (sums) yield* wrongSums(sums);
  yield* silentTellers(seen);
  yield* lostLastWords(seen);
}

/** When all is healed, whoever has a session hears all tellers. */
function* silentTellers(seen: readonly Seen[]): Iterable<string> {
  const heard = seen.filter((one) => one.what === "heard");
  for (const end of seen) {
    if (end.what !== "state" || end.before !== "open" || end.why !== "the client was closed") continue;
    const own = heard.filter(({ client, atMs }) => client === end.client && atMs > end.atMs - 3 * tickMs && atMs <= end.atMs);
    if (!own.some(({ session }) => entered.has(session))) yield `${end.client} heard nothing in the end`;
    for (const id of ["teller-1", "teller-2"])
      if (!own.some(({ place }) => place?.stream.startsWith(id))) yield `${end.client} did not hear ${id} in the end`;
  }
}

/** Whoever was kicked has heard what was pushed before, wherever its socket was. */
function* lostLastWords(seen: readonly Seen[]): Iterable<string> {
  const heard = seen.filter((one) => one.what === "heard");
  for (const one of seen) {
    if (one.what !== "state" || one.state !== "closed" || !one.why.startsWith("visitor-")) continue;
    const words = heard.filter(({ place }) => place?.stream === `leave ${one.why}`).length;
    if (words !== lastWords) yield `${one.client} was kicked (${one.why}), and heard ${words} of ${lastWords} pushes before`;
  }
}
