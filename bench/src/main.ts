// npm run bench [NAME] [-- --seconds 3 --rounds 3]: nano beside the raw limit of the same run.
import { mkdirSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { startEtcd } from "../../test/support/etcd.ts";
import { type Process, runLoad, startProcess } from "./processes.ts";

interface Case {
  readonly name: string;
  readonly over: "tcp" | "ws";
  readonly inflight: number;
  readonly nano: number;
  readonly raw: number;
}

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string", default: "2" },
    rounds: { type: "string", default: "3" },
    connections: { type: "string", default: "64" },
  },
});
const benches: Readonly<Record<string, () => Promise<void>>> = { frontend, forward };
const names = positionals.length > 0 ? positionals : Object.keys(benches);
for (const name of names) {
  const bench = benches[name];
  if (!bench) {
    console.error(`no benchmark "${name}": there are ${Object.keys(benches).join(", ")}`);
    process.exit(2);
  }
  await bench();
}

/** A handler on the frontend itself, beside raw echoes. */
async function frontend(): Promise<void> {
  const raw = await startProcess("bench/src/raw.ts");
  const nano = await startProcess("bench/src/server.ts", ["--roles", "echo", "--frontend", "--ws", "0", "--tcp", "0"]);
  const cases = (["tcp", "ws"] as const).flatMap((over) =>
    [1, 16].map(
      (inflight): Case => ({
        name: over === "tcp" ? "TCP" : "WebSocket",
        over,
        inflight,
        nano: portOf(nano, over),
        raw: portOf(raw, over),
      }),
    ),
  );
  await measure("frontend", [raw, nano], cases);
}

/** Client to frontend to backend and back, each a process, found through etcd; beside a raw proxy before a raw echo. */
async function forward(): Promise<void> {
  const etcd = await startEtcd();
  try {
    const discovery = ["--discovery", `etcd://${etcd.endpoint}`];
    const raw = await startProcess("bench/src/raw.ts");
    const echo = await startProcess("bench/src/server.ts", ["--id", "echo-1", "--roles", "echo", ...discovery]);
    const gate = await startProcess("bench/src/server.ts", ["--id", "gate-1", "--roles", "gate", "--tcp", "0", ...discovery]);
    const [nano, limit] = [portOf(gate, "tcp"), portOf(raw, "proxy")];
    const cases = [1, 16].map((inflight): Case => ({ name: "TCP", over: "tcp", inflight, nano, raw: limit }));
    await measure("forward", [raw, gate, echo], cases);
  } finally {
    await etcd.stop();
  }
}

async function measure(name: string, processes: readonly Process[], cases: readonly Case[]): Promise<void> {
  const rows: Record<string, unknown>[] = [];
  try {
    for (const one of cases) {
      const nano: number[] = [];
      const raw: number[] = [];
      let p99Us = 0;
      // In turn, so that what else the machine does falls on both.
      for (let round = 0; round < Number(flags.rounds); round++) {
        const load = {
          over: one.over,
          inflight: one.inflight,
          seconds: Number(flags.seconds),
          connections: Number(flags.connections),
        };
        raw.push((await runLoad({ ...load, port: one.raw, raw: true })).perSecond);
        const result = await runLoad({ ...load, port: one.nano, raw: false });
        nano.push(result.perSecond);
        p99Us = Math.max(p99Us, result.p99Us);
      }
      const ratio = Number((median(nano) / median(raw)).toFixed(2));
      rows.push({ over: one.name, inflight: one.inflight, "nano/s": median(nano), "raw/s": median(raw), ratio, "p99 us": p99Us });
    }
  } finally {
    await Promise.all(processes.map((one) => one.end()));
  }
  console.log(`\n${name}: ${flags.connections} connections, medians of ${flags.rounds} rounds`);
  console.table(rows);
  mkdirSync("bench/results", { recursive: true });
  writeFileSync(`bench/results/${name}.json`, `${JSON.stringify({ name, node: process.version, flags, rows }, undefined, 2)}\n`);
}

function portOf(process: Process, name: string): number {
  const port = process.ready[name];
  if (!port) throw new Error(`the process does not listen on ${name}`);
  return port;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
