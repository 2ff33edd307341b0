import { startEtcd } from "../../../test/support/etcd.ts";
import { startProcess } from "../processes.ts";
import { report } from "../table.ts";
import { type Effort, measureEcho } from "./echo-cases.ts";

/** Client to frontend to backend and back, each a process, found through etcd; beside a raw proxy before a raw echo. */
export async function forward(effort: Effort): Promise<void> {
  const etcd = await startEtcd();
  try {
    const discovery = ["--discovery", `etcd://${etcd.endpoint}`];
    const raw = await startProcess("bench/src/raw.ts");
    // Where there are two cores the backend shares the load's: the frontend is what is measured.
    const echo = await startProcess("bench/src/server.ts", ["--id", "echo-1", "--roles", "echo", ...discovery], "load");
    const gate = await startProcess("bench/src/server.ts", ["--id", "gate-1", "--roles", "gate", "--tcp", "0", ...discovery]);
    const rows = [];
    try {
      for (const inflight of [1, 16]) {
        const sides = { nano: { process: gate, port: "tcp" }, raw: { process: raw, port: "proxy" } };
        rows.push(await measureEcho({ name: "TCP", over: "tcp", inflight, ...sides }, effort));
      }
    } finally {
      await Promise.all([raw, gate, echo].map((one) => one.end()));
    }
    report("forward", `${effort.connections} connections, medians of ${effort.rounds} rounds`, rows);
  } finally {
    await etcd.stop();
  }
}
