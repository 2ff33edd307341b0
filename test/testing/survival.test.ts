import { playSeeds, type SeededTest, type Seen } from "nano-rpc/testing";
import { expect, test } from "vitest";
import { noSums, numberedPushes, startBank } from "./tellers.ts";
import { visit } from "./visitors.ts";

/** Seeds that failed once. They are played first. */
const kept: readonly number[] = [];
const ordinary = 60;
const only = process.env["SEED"];
const seeds = only === undefined ? [...kept, ...Array.from({ length: ordinary }, (_, at) => at + 1)] : [Number(only)];
/** Sessions that every teller knows of. */
const entered = new Set<string>();
let resumes = 0;
const reconnect = { minDelayMs: 200, maxDelayMs: 1_000 };

test("where only sockets break, nobody loses a session, a push or an answer, and nothing comes or runs twice", async () => {
  await playSeeds({
    seeds,
    cluster: { latencyMs: 2, record: { numbered: numberedPushes((session) => entered.has(session)) } },
    play,
    check,
    alone: (seed) => `SEED=${seed} npx vitest run test/testing/survival.test.ts`,
    failed: (_seed, _wrong, trace) => {
      if (only !== undefined) console.log(trace.join("\n"));
    },
  });
  expect(resumes).toBeGreaterThan(seeds.length);
}, 180_000);

async function play(test: SeededTest): Promise<void> {
  const { cluster } = test;
  entered.clear();
  await startBank(cluster, noSums());
  let over = false;
  const visits: Promise<void>[] = [];
  for (let at = 0; at < 4; at++) {
    // Whoever is away for long asks with patience.
    const client = await cluster.connect(`gate-${1 + (at % 2)}`, { reconnect, connectTimeoutMs: 1_500, timeoutMs: 20_000 });
    const options = {
      everyMs: 200,
      isOver: () => over,
      leaves: false,
      user: `user-${at}`,
      entered: (session: string) => void entered.add(session),
    };
    visits.push(visit(test, client, `visitor-${at}`, options));
  }
  await cluster.trouble(7_000, { kinds: ["drop", "delay", "cut"], everyMs: 300, lastsMs: 2_500, between: "clients" });
  over = true;
  await cluster.drive(Promise.all(visits));
}

function* check({ cluster: { seen } }: SeededTest): Iterable<string> {
  for (const one of seen) {
    if (one.what === "state" && one.via === "resume") resumes++;
    if (one.what === "settled" && one.outcome !== "ok") yield `${one.client} #${one.call} came to ${one.outcome}: ${one.message}`;
    if (one.what === "state" && one.via === "reset") yield `${one.client} lost its session`;
    if (one.what === "state" && one.state === "closed" && one.why !== "the client was closed")
      yield `${one.client} was closed: ${one.why}`;
  }
  yield* lostPayments(seen);
}

/** Every payment that a handler made came to its session. */
function* lostPayments(seen: readonly Seen[]): Iterable<string> {
  const paying = new Set(["pay", "stay", "tell"].map((name) => `teller.teller.${name}`));
  const made = Map.groupBy(
    seen.filter((one) => one.what === "ran" && paying.has(one.route)),
    (one) => (one.what === "ran" ? `${one.session} ${one.server}.1` : ""),
  );
  const heard = Map.groupBy(
    seen.filter((one) => one.what === "heard" && one.route === "teller.teller.paid"),
    (one) => (one.what === "heard" ? `${one.session} ${one.place?.stream}` : ""),
  );
  for (const [name, runs] of made) {
    const came = heard.get(name)?.length ?? 0;
    if (came !== runs.length) yield `${name}: ${came} of ${runs.length} payments came`;
  }
}
