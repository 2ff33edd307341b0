import { startProcess } from "../processes.ts";
import { ratio, report } from "../table.ts";
import type { Effort } from "./echo-cases.ts";

const links = 600;
const settleMs = 3_000;
const idleMs = 20_000;

/** What 600 links cost that carry nothing: memory above a server without any, and the CPU of their signs of life. */
export async function idleLinks(_effort: Effort): Promise<void> {
  const server = await startProcess("bench/src/callees.ts");
  try {
    const peers = ["--port", String(server.ready["link"] ?? 0)];
    // Whatever is loaded and compiled for the first is no link's.
    await (await startProcess("bench/src/link-peers.ts", [...peers, "--links", "20"], "load")).end();
    const empty = await server.usage();
    const others = await startProcess("bench/src/link-peers.ts", [...peers, "--links", String(links)], "load");
    await new Promise((resolve) => setTimeout(resolve, settleMs));
    const full = await server.usage();
    await new Promise((resolve) => setTimeout(resolve, idleMs));
    const later = await server.usage();
    await others.end();
    const cpuUs = later.cpuUs - full.cpuUs;
    const row = {
      links,
      "KiB a link": Number(((full.rssBytes - empty.rssBytes) / 1_024 / links).toFixed(1)),
      "CPU while idle, %": ratio(cpuUs * 100, idleMs * 1_000),
      "us a link and second": Number(((cpuUs / links / idleMs) * 1_000).toFixed(1)),
    };
    report("links", `RSS above the server without links; CPU over ${idleMs / 1_000} s`, [row]);
  } finally {
    await server.end();
  }
}
