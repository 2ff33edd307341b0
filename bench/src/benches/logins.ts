import { type Etcd, startEtcd } from "../../../test/support/etcd.ts";
import type { LoginsResult } from "../load/logins.ts";
import type { PutsResult } from "../load/puts.ts";
import { type Process, runLoad, startProcess } from "../processes.ts";
import { median, ratio, report } from "../table.ts";
import type { Effort } from "./echo-cases.ts";

interface Measured {
  readonly perSecond: number;
  /** What etcd takes where nobody logs in: the same puts, a hundred a transaction. */
  readonly putsPerSecond: number;
  readonly transactionsPerSecond: number;
  /** CPU of the frontends for one bind. */
  readonly cpuUs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly load: number;
}

const sessions = 10_000;

/** Sessions that become users, each known to the whole cluster through a real etcd when it is answered; over one frontend, and over two; beside bare transactions of as many puts. */
export async function logins(effort: Effort): Promise<void> {
  const rows = [];
  for (const [frontends, inflight] of [
    [1, 100],
    [1, 1_000],
    [2, 1_000],
  ] as const) {
    const rounds: Measured[] = [];
    for (let round = 0; round < effort.rounds; round++) rounds.push(await measure(frontends, inflight));
    const of = (field: keyof Measured): number => median(rounds.map((each) => each[field]));
    rows.push({
      frontends,
      inflight,
      "binds/s": Math.round(of("perSecond")),
      "raw puts/s": Math.round(of("putsPerSecond")),
      ratio: ratio(of("perSecond"), of("putsPerSecond")),
      "etcd transactions/s": Math.round(of("transactionsPerSecond")),
      "cpu us": Math.round(of("cpuUs")),
      "p50 ms": Number(of("p50Ms").toFixed(1)),
      "p99 ms": Number(of("p99Ms").toFixed(1)),
      load: of("load").toFixed(2),
    });
  }
  report("logins", `${sessions} sessions, each another user, medians of ${effort.rounds} rounds`, rows);
}

/** With an etcd and servers of its own: who is bound stays so. */
async function measure(frontends: number, inflight: number): Promise<Measured> {
  const etcd = await startEtcd();
  const gates: Process[] = [];
  try {
    for (let at = 1; at <= frontends; at++) {
      const flags = ["--id", `gate-${at}`, "--roles", "login", "--frontend", "--tcp", "0"];
      gates.push(await startProcess("bench/src/server.ts", [...flags, "--discovery", `etcd://${etcd.endpoint}`]));
    }
    const port = gates.map(({ ready }) => ready["tcp"]).join(",");
    const flags = { port, logins: sessions, inflight };
    const cpu = async (): Promise<number> => {
      const used = await Promise.all(gates.map((gate) => gate.usage()));
      return used.reduce((sum, { cpuUs }) => sum + cpuUs, 0);
    };
    const puts = await runLoad<PutsResult>("bench/src/load/puts.ts", { endpoint: etcd.endpoint, puts: sessions });
    const warm = { transactions: 0, cpuUs: 0 };
    const seen = await runLoad<LoginsResult>("bench/src/load/logins.ts", flags, {
      warm: async () => {
        warm.transactions = await transactions(etcd);
        warm.cpuUs = await cpu();
      },
    });
    const { seconds, p50Ms, p99Ms, load } = seen;
    const cpuUs = ((await cpu()) - warm.cpuUs) / seen.logins;
    const asked = (await transactions(etcd)) - warm.transactions;
    const perSecond = seen.logins / seconds;
    const putsPerSecond = puts.puts / puts.seconds;
    return { perSecond, putsPerSecond, transactionsPerSecond: asked / seconds, cpuUs, p50Ms, p99Ms, load };
  } finally {
    await Promise.all(gates.map((gate) => gate.end()));
    await etcd.stop();
  }
}

/** How many etcd has answered since it started. */
async function transactions({ endpoint }: Etcd): Promise<number> {
  const metrics = await (await fetch(`http://${endpoint}/metrics`)).text();
  const lines = metrics.split("\n").filter((line) => line.startsWith("grpc_server_handled_total") && line.includes('"Txn"'));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}
