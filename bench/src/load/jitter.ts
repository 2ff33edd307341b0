// Clients whose sockets break again and again, while everybody is pushed to.
import { parseArgs } from "node:util";
import { startBalancer } from "../balancer.ts";
import { pause } from "../pause.ts";
import { type CrowdResult, gather, quantiles, settle } from "./crowd.ts";
import { nanoTicker } from "./nano-hearer.ts";
import { plainTicker } from "./plain-hearer.ts";

/** What one run of the load has seen. */
export interface JitterResult extends CrowdResult {
  readonly killed: number;
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
const balancer = await startBalancer({ targets: ports, spread: flags.spread === "random" ? "random" : "source" });
const how = { plain: flags.plain, awayMs: Number(flags["away-ms"]) };
const crowd = await gather(Number(flags.connections), balancer.port, how);
const tick = await (flags.plain ? plainTicker(ports) : nanoTicker(ports[0] ?? 0));
const begin = new Promise((resolve) => process.stdin.once("data", resolve));
console.log("warm ");
await begin;

balancer.break(Number(flags["kill-ms"]));
const untilMs = performance.now() + Number(flags.seconds) * 1_000;
let ticks = 0;
for (; performance.now() < untilMs; await pause(Number(flags["every-ms"]))) await tick(++ticks);
balancer.break(undefined);

const seen = await settle(crowd, ticks, tick);
const replay = quantiles(crowd.tallies.flatMap(({ replaysMs }) => replaysMs));
const result: JitterResult = { killed: balancer.killed, ...seen, replayP50Ms: replay(0.5), replayP99Ms: replay(0.99) };
console.log(`result ${JSON.stringify(result)}`);
process.exit(0);
