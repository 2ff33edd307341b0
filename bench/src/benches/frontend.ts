import { startProcess } from "../processes.ts";
import { report } from "../table.ts";
import { type EchoCase, type Effort, measureEcho } from "./echo-cases.ts";

const openLoopRate = 15_000;

/** A handler on the frontend itself, beside raw echoes: as generated, asynchronous, with protobuf-es instead of printed codecs, and without protobuf. */
export async function frontend(effort: Effort): Promise<void> {
  const serve = (handler: string): ReturnType<typeof startProcess> =>
    startProcess("bench/src/server.ts", ["--roles", "echo", "--frontend", "--ws", "0", "--tcp", "0", "--handler", handler]);
  const raw = await startProcess("bench/src/raw.ts");
  const [sync, async, bytes] = [await serve("sync"), await serve("async"), await serve("bytes")];
  const reflected = await serve("reflected");
  const rows = [];
  try {
    for (const over of ["tcp", "ws"] as const) {
      const name = over === "tcp" ? "TCP" : "WebSocket";
      const limit = { process: raw, port: over };
      const cases: readonly EchoCase[] = [
        ...[1, 16].map((inflight) => ({ name, over, inflight, nano: { process: sync, port: over }, raw: limit })),
        ...[1, 16].map((inflight) => ({
          name: `${name}, async`,
          over,
          inflight,
          nano: { process: async, port: over },
          raw: limit,
        })),
        {
          name: `${name}, protobuf-es`,
          over,
          inflight: 16,
          nano: { process: reflected, port: over },
          raw: limit,
        },
        ...[1, 16].map((inflight) => ({
          name: `${name}, bytes`,
          over,
          inflight,
          nano: { process: bytes, port: over },
          raw: limit,
        })),
        {
          name: `${name}, ${openLoopRate}/s`,
          over,
          inflight: 1,
          rate: openLoopRate,
          nano: { process: sync, port: over },
          raw: limit,
        },
      ];
      for (const one of cases) rows.push(await measureEcho(one, effort));
    }
  } finally {
    await Promise.all([raw, sync, async, reflected, bytes].map((one) => one.end()));
  }
  report("frontend", `${effort.connections} connections, medians of ${effort.rounds} rounds`, rows);
}
