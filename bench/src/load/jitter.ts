// Clients whose sockets break again and again, while everybody is pushed to.
import { parseArgs } from "node:util";
import { type Balancer, startBalancer } from "../balancer.ts";
import { nanoHearer, nanoTicker } from "./nano-hearer.ts";
import { type Hearer, plainHearer, plainTicker } from "./plain-hearer.ts";
import { Tally } from "./tally.ts";

/** What one run of the load has seen. */
export interface JitterResult {
  readonly killed: number;
  /** Pushes that were to arrive: all, at every client. */
  readonly expected: number;
  /** Of these. */
  readonly delivered: number;
  readonly duplicates: number;
  readonly outOfOrder: number;
  /** Clients without a connection in the end. */
  readonly neverReturned: number;
  /** Sessions that began anew. */
  readonly resets: number;
  /** From the moment that a client was back until it had what it missed. */
  readonly replayP50Ms: number;
  readonly replayP99Ms: number;
}

const { values: flags } = parseArgs({
  options: {
    /** Of the servers, with commas between them. */
    port: { type: "string", default: "" },
    plain: { type: "boolean", default: false },
    spread: { type: "string", default: "source" },
    connections: { type: "string", default: "1000" },
    seconds: { type: "string", default: "160" },
    "every-ms": { type: "string", default: "500" },
    /** How long a socket lives on average. */
    "kill-ms": { type: "string", default: "15000" },
    /** How long a client is away on average. */
    "away-ms": { type: "string", default: "2000" },
  },
});
const ports = flags.port.split(",").map(Number);
const awayMs = Number(flags["away-ms"]);
const comeAtOnce = 64;
const returnMs = 20_000;
const balancer: Balancer = await startBalancer({ targets: ports, spread: flags.spread === "random" ? "random" : "source" });
const tallies: Tally[] = [];
const hearers: Hearer[] = [];
let coming = 0;

await Promise.all(
  Array.from({ length: comeAtOnce }, async () => {
    while (coming < Number(flags.connections)) {
      const at = coming++;
      const tally = new Tally();
      tallies.push(tally);
      // Each from an address of its own, as clients are.
      const from = { port: balancer.port, localAddress: `127.1.${at >> 8}.${(at & 255) + 1}`, awayMs };
      hearers.push(await (flags.plain ? plainHearer(from, tally) : nanoHearer(from, tally)));
    }
  }),
);
const tick = await (flags.plain ? plainTicker(ports[0] ?? 0) : nanoTicker(ports[0] ?? 0));
const begin = new Promise((resolve) => process.stdin.once("data", resolve));
console.log("warm ");
await begin;

balancer.break(Number(flags["kill-ms"]));
const untilMs = performance.now() + Number(flags.seconds) * 1_000;
let ticks = 0;
for (; performance.now() < untilMs; await pause(Number(flags["every-ms"]))) await tick(++ticks);
balancer.break(undefined);
for (const lastMs = performance.now() + returnMs; performance.now() < lastMs && !hearers.every(({ open }) => open); )
  await pause(100);
// By one more, and the time that it takes, everything before has come.
await tick(++ticks);
await pause(2_000);

const replays = tallies.flatMap(({ replaysMs }) => replaysMs).sort((one, other) => one - other);
const at = (share: number): number => replays[Math.floor((replays.length - 1) * share)] ?? 0;
const sum = (of: (tally: Tally) => number): number => tallies.reduce((all, tally) => all + of(tally), 0);
const result: JitterResult = {
  killed: balancer.killed,
  expected: ticks * tallies.length,
  delivered: sum(({ delivered }) => delivered),
  duplicates: sum(({ duplicates }) => duplicates),
  outOfOrder: sum(({ outOfOrder }) => outOfOrder),
  neverReturned: hearers.filter(({ open }) => !open).length,
  resets: sum(({ resets }) => resets),
  replayP50Ms: at(0.5),
  replayP99Ms: at(0.99),
};
console.log(`result ${JSON.stringify(result)}`);
process.exit(0);

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
