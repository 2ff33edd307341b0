import type { BotsResult } from "../load/bots.ts";
import type { EchoResult } from "../load/echo.ts";
import { runLoad, startProcess } from "../processes.ts";
import { median, ratio, report } from "../table.ts";
import type { Effort } from "./echo-cases.ts";

interface Case {
  readonly connections: number;
  /** Requests of one turn of a user. */
  readonly inflight: number;
  /** Requests a second that the bots are to make; 0: as many as come back. */
  readonly rate: number;
}

const cases: readonly Case[] = [
  { connections: 64, inflight: 1, rate: 0 },
  { connections: 64, inflight: 16, rate: 0 },
  { connections: 10_000, inflight: 10, rate: 10_000 },
  { connections: 10_000, inflight: 10, rate: 50_000 },
];
// As nano-bot starts its own.
const roomy = ["--max-semi-space-size=128"];

/** What the engine of nano-bot makes on one core, beside what the same server answers to the load program of the other benchmarks. */
export async function bot(effort: Effort): Promise<void> {
  const rows = [];
  for (const over of ["tcp", "ws"] as const) {
    const server = await startProcess("bench/src/server.ts", ["--roles", "echo", "--frontend", "--ws", "0", "--tcp", "0"]);
    try {
      // What the server makes by itself is the same for all rates.
      const loads = new Map<string, EchoResult[]>();
      for (const one of cases) {
        const at = { port: server.ready[over] ?? 0, over, connections: one.connections, inflight: one.inflight };
        const bots: BotsResult[] = [];
        const load = loads.get(`${one.connections} ${one.inflight}`) ?? [];
        loads.set(`${one.connections} ${one.inflight}`, load);
        const rounds = one.connections > 1_000 ? 1 : effort.rounds;
        for (let round = 0; round < rounds; round++) {
          if (load.length < rounds)
            load.push(await runLoad<EchoResult>("bench/src/load/echo.ts", { ...at, seconds: effort.seconds }));
          const flags = { ...at, rate: one.rate, seconds: effort.seconds };
          bots.push(await runLoad<BotsResult>("bench/src/load/bots.ts", flags, { node: roomy }));
        }
        const of = (field: keyof BotsResult): number => median(bots.map((each) => each[field]));
        const capacity = median(load.map((each) => each.perSecond));
        rows.push({
          over,
          connections: of("connections"),
          "a turn": one.inflight,
          asked: one.rate === 0 ? "all" : `${one.rate}/s`,
          "bots/s": of("perSecond"),
          "server/s": capacity,
          ratio: ratio(of("perSecond"), capacity),
          "bots us": Number(of("cpuUs").toFixed(1)),
          // What sockets alone cost: that program writes bytes made once, and counts what comes.
          "sockets us": Number(median(load.map((each) => (each.load * 1e6) / each.perSecond)).toFixed(1)),
          "p50 ms": of("p50Ms"),
          "p99 ms": of("p99Ms"),
          load: of("load").toFixed(2),
        });
      }
    } finally {
      await server.end();
    }
  }
  report(
    "bot",
    `10,000 connections once, others medians of ${effort.rounds} rounds; server/s: as many as come back to a program that sends bytes made once`,
    rows,
  );
}
