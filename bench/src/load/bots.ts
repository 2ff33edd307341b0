// Requests by the engine of nano-bot: so many users, each with so many requests under way (closed loop), or all together so many a second (open loop).
import { parseArgs } from "node:util";
import { play, scenario } from "nano-rpc/bot";
import { waysTo } from "../../../src/dial/index.ts";
import { EchoClient } from "../../gen/bench/v1/echo_client.ts";
import { usage } from "../usage.ts";

/** What one run of the bots has seen. */
export interface BotsResult {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** How much of its core the generator has used. */
  readonly load: number;
  /** CPU of the generator for one request. */
  readonly cpuUs: number;
  /** Users that were in all the time. */
  readonly connections: number;
}

const { values: flags } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    over: { type: "string", default: "tcp" },
    connections: { type: "string", default: "64" },
    /** Requests of one turn of a user. */
    inflight: { type: "string", default: "1" },
    /** Requests a second, over all users; 0: as many as come back. */
    rate: { type: "string", default: "0" },
    seconds: { type: "string", default: "3" },
  },
});
const [port, connections, inflight] = [Number(flags.port), Number(flags.connections), Number(flags.inflight)];
const perSecond = Number(flags.rate);
// Users play as soon as they are in: all at once they would measure a storm. What it takes to come in is not measured.
const entryMs = Math.max(500, connections * 1.2);
// Until what was late while the last came in is made up for.
const settleMs = connections > 1_000 ? 5_000 : 500;
const longestMs = 60_000;
const everyMs = perSecond === 0 ? undefined : (connections * inflight * 1_000) / perSecond;
// Each user has a turn at least.
const measuredMs = Math.max(Number(flags.seconds) * 1_000, everyMs ?? 0);
const message = { seq: 7, name: "somebody", text: "hello there, all" };

let here = 0;
/** When all were in. */
let inMs = Number.POSITIVE_INFINITY;
const wanted = scenario({
  name: "echo",
  stages: [
    { users: connections, overMs: entryMs },
    { users: connections, overMs: longestMs },
  ],
  async run(bot) {
    const { echo } = bot.service(EchoClient);
    if (++here === connections) inMs = performance.now() - beganMs;
    const pace = everyMs === undefined ? {} : { everyMs, spread: true };
    await bot.repeat({ forMs: Number.POSITIVE_INFINITY, ...pace }, async () => {
      if (inflight === 1) await echo(message);
      else await Promise.all(Array.from({ length: inflight }, () => echo(message)));
    });
  },
});

// As nano-bot does.
const [way] = waysTo(`${flags.over}://127.0.0.1:${port}`, { insecure: false, ca: undefined });
if (!way) throw new Error("there is no way");
const { transport } = way;
const marks: { readonly atMs: number; readonly cpuUs: number }[] = [];
const enough = new AbortController();
const beganMs = performance.now();
const report = await play(wanted, {
  clientOf: () => ({ transport }),
  signal: enough.signal,
  onSample({ atMs }) {
    if (atMs < inMs + settleMs || enough.signal.aborted) return;
    marks.push({ atMs, cpuUs: usage().cpuUs });
    if (atMs >= inMs + settleMs + measuredMs) enough.abort();
  },
});
const [from, to] = [marks[0], marks.at(-1)];
if (!from || !to || from === to) throw new Error("it was over before it was measured");
const [fromMs, toMs] = [from.atMs, to.atMs];
const within = report.samples.filter(({ atMs }) => atMs > fromMs && atMs <= toMs);
const failed = Object.entries(report.broken).map(([why, count]) => `${count} x ${why}`);
if (report.failed > 0 || failed.length > 0) throw new Error(`${report.failed} requests failed; ${failed.join("; ")}`);
const seconds = (toMs - fromMs) / 1_000;
const answered = within.reduce((sum, one, at) => {
  const before = at === 0 ? fromMs : (within[at - 1]?.atMs ?? fromMs);
  return sum + (one.perSecond * (one.atMs - before)) / 1_000;
}, 0);
const middle = (values: readonly number[]): number => values.toSorted((less, more) => less - more)[values.length >> 1] ?? 0;
const result: BotsResult = {
  perSecond: Math.round(answered / seconds),
  p50Ms: middle(within.map((one) => one.p50Ms)),
  p99Ms: middle(within.map((one) => one.p99Ms)),
  load: (to.cpuUs - from.cpuUs) / 1e6 / seconds,
  cpuUs: (to.cpuUs - from.cpuUs) / answered,
  connections: Math.min(...within.map((one) => one.connections)),
};
console.log(`result ${JSON.stringify(result)}`);
process.exit(0);
