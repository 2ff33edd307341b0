import { startEtcd } from "../../../test/support/etcd.ts";
import { freePort } from "../../../test/support/port.ts";
import type { DeployResult } from "../load/deploy.ts";
import { pause } from "../pause.ts";
import { type Process, runLoad, startProcess } from "../processes.ts";
import { report } from "../table.ts";
import { type Effort, portOf } from "./echo-cases.ts";

const everyMs = 2_000;
const graceMs = 30_000;
const quietMs = 5_000;
const longestMs = 300_000;

/** One server that is restarted: it stops, and comes back where it was. */
interface Restarted {
  readonly port: number;
  process: Process;
  again(): Promise<Process>;
}

/**
 * A push every two seconds to clients behind a balancer that picks at random, while the two servers that hold them are restarted one after the other: nano's frontends, pushed to by a
 * backend; beside them two plain `ws` broadcasts.
 */
export async function deploy({ deployClients: clients }: Effort): Promise<void> {
  const load = (servers: readonly Restarted[], more: object): Promise<DeployResult> =>
    runLoad<DeployResult>(
      "bench/src/load/deploy.ts",
      { port: servers.map(({ port }) => port).join(","), connections: clients, "every-ms": everyMs, ...more },
      { warm: async () => {}, timeoutMs: longestMs, meanwhile: () => restart(servers) },
    );
  const nano = await withFrontends((gates, tickPort) => load(gates, { "tick-port": tickPort }));
  const plain = await withPlain((servers) => load(servers, { plain: true }));
  report("deploy", `${clients} clients, a push each ${everyMs} ms, two servers restarted in turn`, [
    rowOf("nano, two frontends", nano),
    rowOf("two plain ws broadcasts", plain),
  ]);
}

async function restart(servers: readonly Restarted[]): Promise<void> {
  for (const server of servers) {
    await pause(quietMs);
    await server.process.end();
    server.process = await server.again();
  }
  await pause(quietMs);
}

function rowOf(what: string, { dropped, expected, delivered, resets, awayP50Ms, awayP95Ms, ...counts }: DeployResult) {
  return {
    what,
    "came back": dropped,
    "sessions lost": resets,
    delivered: `${((100 * delivered) / expected).toFixed(3)} %`,
    missed: expected - delivered,
    ...counts,
    "away p50 ms": Math.round(awayP50Ms),
    "away p95 ms": Math.round(awayP95Ms),
  };
}

/** A backend that pushes, a gate for who has it do so, and two frontends that may be restarted: four processes that found each other through etcd. */
async function withFrontends<R>(measured: (gates: readonly Restarted[], tickPort: number) => Promise<R>): Promise<R> {
  const etcd = await startEtcd();
  const others: Process[] = [];
  const gates: Restarted[] = [];
  try {
    const start = (id: string, ...args: string[]): Promise<Process> => {
      const discovery = ["--discovery", `etcd://${etcd.endpoint}`, "--prefix", "/deploy"];
      return startProcess("bench/src/server.ts", ["--id", id, ...args, "--grace-ms", `${graceMs}`, ...discovery]);
    };
    others.push(await start("fanout-1", "--roles", "fanout"));
    const ticked = await start("gate-0", "--roles", "gate", "--tcp", "0");
    others.push(ticked);
    for (const id of ["gate-1", "gate-2"]) {
      const port = await freePort();
      const again = (): Promise<Process> => start(id, "--roles", "gate", "--tcp", `${port}`);
      gates.push({ port, process: await again(), again });
    }
    return await measured(gates, portOf({ process: ticked, port: "tcp" }));
  } finally {
    await Promise.all([...gates.map(({ process }) => process), ...others].map((process) => process.end()));
    await etcd.stop();
  }
}

async function withPlain<R>(measured: (servers: readonly Restarted[]) => Promise<R>): Promise<R> {
  const servers: Restarted[] = [];
  try {
    for (let count = 0; count < 2; count++) {
      const port = await freePort();
      const again = (): Promise<Process> => startProcess("bench/src/plain-broadcast.ts", ["--port", `${port}`]);
      servers.push({ port, process: await again(), again });
    }
    return await measured(servers);
  } finally {
    await Promise.all(servers.map(({ process }) => process.end()));
  }
}
