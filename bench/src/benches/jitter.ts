import { startEtcd } from "../../../test/support/etcd.ts";
import type { JitterResult } from "../load/jitter.ts";
import { type Process, runLoad, startProcess } from "../processes.ts";
import { report } from "../table.ts";
import { type Effort, portOf } from "./echo-cases.ts";

const killMs = 15_000;
const everyMs = 500;

/**
 * Two pushes a second to clients whose sockets break every 15 s on average, behind a balancer, and that are back after 2 s on average: nano's on two frontends, pushed to by a
 * backend; beside them the same on one plain `ws` broadcast.
 */
export async function jitter({ clients, stormSeconds, spread }: Effort): Promise<void> {
  const load = (ports: readonly number[], plain: boolean): Promise<JitterResult> =>
    runLoad<JitterResult>(
      "bench/src/load/jitter.ts",
      {
        ...{ port: ports.join(","), plain, spread, connections: clients, seconds: stormSeconds },
        ...{ "every-ms": everyMs, "kill-ms": killMs },
      },
      { warm: async () => {}, timeoutMs: (stormSeconds + 120) * 1_000 },
    );
  const nano = await withFrontends((ports) => load(ports, false));
  const plain = await startProcess("bench/src/plain-broadcast.ts");
  try {
    const theirs = await load([portOf({ process: plain, port: "ws" })], true);
    report(
      "jitter",
      `${clients} clients, ${stormSeconds} s, a push each ${everyMs} ms, sockets broken each ${killMs} ms on average`,
      [rowOf("nano, two frontends", nano), rowOf("plain ws broadcast", theirs)],
    );
  } finally {
    await plain.end();
  }
}

function rowOf(what: string, { expected, delivered, replayP50Ms, replayP99Ms, ...counts }: JitterResult) {
  const share = `${((100 * delivered) / expected).toFixed(3)} %`;
  return {
    what,
    delivered: share,
    missed: expected - delivered,
    ...counts,
    // Nothing is replayed on a plain socket: there it is what was under way when the client came.
    "replay p50 ms": round(replayP50Ms),
    "replay p99 ms": round(replayP99Ms),
  };
}

function round(ms: number): number {
  return Number(ms.toFixed(1));
}

/** A backend that pushes, and two frontends: three processes that found each other through etcd. */
async function withFrontends<R>(measured: (ports: readonly number[]) => Promise<R>): Promise<R> {
  const etcd = await startEtcd();
  const processes: Process[] = [];
  try {
    const start = async (id: string, ...args: string[]): Promise<Process> => {
      const discovery = ["--discovery", `etcd://${etcd.endpoint}`, "--prefix", "/jitter"];
      const process = await startProcess("bench/src/server.ts", ["--id", id, ...args, ...discovery]);
      processes.push(process);
      return process;
    };
    await start("fanout-1", "--roles", "fanout");
    const ports: number[] = [];
    for (const id of ["gate-1", "gate-2"]) {
      const gate = await start(id, "--roles", "gate", "--tcp", "0");
      ports.push(portOf({ process: gate, port: "tcp" }));
    }
    return await measured(ports);
  } finally {
    await Promise.all(processes.map((process) => process.end()));
    await etcd.stop();
  }
}
