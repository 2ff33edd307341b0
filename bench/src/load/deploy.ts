// Clients whose servers are restarted one after the other, while everybody is pushed to.
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { startBalancer } from "../balancer.ts";
import { pause } from "../pause.ts";
import { type CrowdResult, gather, quantiles, settle } from "./crowd.ts";
import { nanoTicker } from "./nano-hearer.ts";
import { plainTicker } from "./plain-hearer.ts";

/** What one run of the load has seen. */
export interface DeployResult extends CrowdResult {
  /** Connections that ended, each of which made its client come back. */
  readonly dropped: number;
  /** Without a connection, each time. */
  readonly awayP50Ms: number;
  readonly awayP95Ms: number;
}

const { values: flags } = parseArgs({
  options: {
    /** Of the servers that are restarted, with commas between them. */
    port: { type: "string", default: "" },
    /** Of the one that ticks come by, where it is none of them. */
    "tick-port": { type: "string", default: "0" },
    plain: { type: "boolean", default: false },
    connections: { type: "string", default: "5000" },
    "every-ms": { type: "string", default: "500" },
  },
});
const ports = flags.port.split(",").map(Number);
const balancer = await startBalancer({ targets: ports, spread: "random" });
const crowd = await gather(Number(flags.connections), balancer.port, flags);
const tick = await (flags.plain ? plainTicker(ports) : nanoTicker(Number(flags["tick-port"])));
const lines = createInterface({ input: process.stdin });
const begin = new Promise((resolve) => lines.once("line", resolve));
console.log("warm ");
await begin;

let over = false;
lines.once("line", () => {
  over = true;
});
let ticks = 0;
for (; !over; await pause(Number(flags["every-ms"]))) await tick(++ticks);

const seen = await settle(crowd, ticks, tick);
const aways = crowd.tallies.flatMap(({ awaysMs }) => awaysMs);
const away = quantiles(aways);
const result: DeployResult = { dropped: aways.length, ...seen, awayP50Ms: away(0.5), awayP95Ms: away(0.95) };
console.log(`result ${JSON.stringify(result)}`);
process.exit(0);
