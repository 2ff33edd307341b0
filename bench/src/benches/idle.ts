import { startProcess } from "../processes.ts";
import { ratio, report } from "../table.ts";
import type { Effort } from "./echo-cases.ts";

const sessions = 10_000;
const settleMs = 3_000;
const heartbeatMs = 10_000;
const heartbeats = 2;
// Both servers keep little room for garbage: it would be counted as memory of what they hold.
const tight = ["--max-semi-space-size=4"];

/** What 10,000 sessions cost that do nothing: memory above the empty process, and CPU of two heartbeats. */
export async function idle(_effort: Effort): Promise<void> {
  const rows = [];
  for (const over of ["tcp", "ws"] as const) {
    const raw = await measure(over, "raw");
    const nano = await measure(over, "old");
    const own = await measure(over, "nano");
    const kib = (bytes: number): number => Number((bytes / 1_024 / sessions).toFixed(2));
    rows.push({
      over,
      sessions,
      "nano KiB each": kib(nano.rssBytes),
      "of those that may come back": kib(own.rssBytes),
      "raw KiB each": kib(raw.rssBytes),
      "nano us a heartbeat": Number((nano.cpuUs / sessions / heartbeats).toFixed(2)),
      "raw us a heartbeat": Number((raw.cpuUs / sessions / heartbeats).toFixed(2)),
      "CPU, against raw": ratio(nano.cpuUs, raw.cpuUs),
    });
  }
  report("idle", `RSS above the empty process; CPU of ${heartbeats} heartbeats, ${heartbeatMs / 1_000} s apart`, rows);
}

/** @param clients Bare sockets, those of the old kind, or nano's own, which may come back to their sessions. */
async function measure(
  over: "tcp" | "ws",
  clients: "raw" | "old" | "nano",
): Promise<{ readonly rssBytes: number; readonly cpuUs: number }> {
  const raw = clients === "raw";
  const server = raw
    ? await startProcess("bench/src/raw.ts", ["--heartbeatMs", String(heartbeatMs)], "server", tight)
    : await startProcess("bench/src/server.ts", ["--roles", "echo", "--frontend", "--ws", "0", "--tcp", "0"], "server", tight);
  try {
    // Whatever is loaded and compiled for the first connections is no session's.
    const port = server.ready[raw ? (over === "tcp" ? "idleTcp" : "idleWs") : over] ?? 0;
    const flags = ["--port", String(port), "--over", over, ...(clients === "old" ? [] : [`--${clients}`])];
    await (await startProcess("bench/src/load/idle.ts", [...flags, "--connections", "50"], "load")).end();
    const empty = await server.usage();
    const load = await startProcess("bench/src/load/idle.ts", [...flags, "--connections", String(sessions)], "load");
    await new Promise((resolve) => setTimeout(resolve, settleMs));
    const full = await server.usage();
    await new Promise((resolve) => setTimeout(resolve, heartbeatMs * heartbeats));
    const later = await server.usage();
    await load.end();
    return { rssBytes: full.rssBytes - empty.rssBytes, cpuUs: later.cpuUs - full.cpuUs };
  } finally {
    await server.end();
  }
}
