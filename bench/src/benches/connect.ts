import type { ConnectResult } from "../load/connect.ts";
import { runLoad, startProcess } from "../processes.ts";
import { median, report } from "../table.ts";
import type { Effort } from "./echo-cases.ts";

const storm = 5_000;

/** Handshakes a second; and a storm of clients at once, with the limits lifted and with the defaults. */
export async function connect(effort: Effort): Promise<void> {
  const rows = [];
  const serve = (...more: string[]): ReturnType<typeof startProcess> =>
    startProcess("bench/src/server.ts", ["--roles", "echo", "--frontend", "--ws", "0", "--tcp", "0", ...more]);
  for (const over of ["tcp", "ws"] as const) {
    const raw = await startProcess("bench/src/raw.ts");
    const lifted = await serve();
    const strict = await serve("--limits", "default");
    try {
      const run = (server: typeof lifted, more: object): Promise<ConnectResult> =>
        runLoad<ConnectResult>("bench/src/load/connect.ts", {
          port: server.ready[over] ?? 0,
          over,
          seconds: effort.seconds,
          ...more,
        });
      const [ours, theirs]: [number[], number[]] = [[], []];
      for (let round = 0; round < effort.rounds; round++) {
        const [limit, nano] = [await run(raw, { raw: true }), await run(lifted, {})];
        theirs.push(limit.connected / limit.seconds);
        ours.push(nano.connected / nano.seconds);
      }
      const name = over === "tcp" ? "TCP" : "WebSocket";
      rows.push({
        what: `${name}, handshakes a second`,
        nano: Math.round(median(ours)),
        "raw connections": Math.round(median(theirs)),
      });
      for (const [what, server] of [
        ["limits lifted", lifted],
        ["default limits", strict],
      ] as const) {
        const { connected, failed, slowestMs } = await run(server, { storm });
        rows.push({ what: `${name}, ${storm} at once, ${what}`, nano: connected, failed, "all in after ms": slowestMs });
      }
    } finally {
      await Promise.all([raw.end(), lifted.end(), strict.end()]);
    }
  }
  report("connect", `medians of ${effort.rounds} rounds`, rows);
}
