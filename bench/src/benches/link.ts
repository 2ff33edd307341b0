import type { CallsResult } from "../load/calls.ts";
import { type Process, runLoad, startProcess } from "../processes.ts";
import { median, ratio, report } from "../table.ts";
import type { Effort } from "./echo-cases.ts";

interface Measured {
  readonly perSecond: number;
  /** CPU of both servers for one call. */
  readonly cpuUs: number;
  readonly load: number;
}

const ways = ["raw", "http2", "link", "grpc", "connect"] as const;
type Way = (typeof ways)[number];

/** Calls from one server to another on a link, beside the same frames on bare TCP and on a bare stream of node:http2, a unary call of grpc-js, and one of connect-node; one core each. */
export async function link({ rounds, seconds }: Effort): Promise<void> {
  const server = await startProcess("bench/src/callees.ts");
  const rows = [];
  try {
    for (const inflight of [1, 64]) {
      const seen: Record<Way, Measured[]> = { raw: [], http2: [], link: [], grpc: [], connect: [] };
      for (let round = 0; round < rounds; round++) {
        for (const way of ways) seen[way].push(await measure(server, way, inflight, seconds));
      }
      const of = (way: Way, field: keyof Measured): number => median(seen[way].map((each) => each[field]));
      for (const way of ways) {
        rows.push({
          over: way,
          inflight,
          "calls/s": Math.round(of(way, "perSecond")),
          "of raw": Number((of(way, "perSecond") / of("raw", "perSecond")).toFixed(3)),
          "us, both ends": Number(of(way, "cpuUs").toFixed(2)),
          "cpu, of raw": Number((of("raw", "cpuUs") / of(way, "cpuUs")).toFixed(3)),
          "link, times this": ratio(of("link", "perSecond"), of(way, "perSecond")),
          "load's core": of(way, "load").toFixed(2),
        });
      }
    }
  } finally {
    await server.end();
  }
  report("link", `medians of ${rounds} rounds`, rows);
}

async function measure(process: Process, over: Way, inflight: number, seconds: number): Promise<Measured> {
  let before = 0;
  const flags = { port: process.ready[over] ?? 0, over, inflight, seconds };
  const result = await runLoad<CallsResult>("bench/src/load/calls.ts", flags, {
    warm: async () => {
      before = (await process.usage()).cpuUs;
    },
  });
  const server = (await process.usage()).cpuUs - before;
  const load = result.load * result.seconds * 1e6;
  return { perSecond: result.calls / result.seconds, cpuUs: (server + load) / result.calls, load: result.load };
}
