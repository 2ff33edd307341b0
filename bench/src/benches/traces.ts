import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Process, startProcess } from "../processes.ts";
import { report } from "../table.ts";
import type { Effort } from "./echo-cases.ts";
import { measureSides } from "./side-by-side.ts";

/**
 * The same frontend without traces; with `tracing` and nobody who takes them; with an SDK that samples none; and with one that samples a hundredth and exports it by
 * OTLP.
 */
export async function traces(effort: Effort): Promise<void> {
  const collector = await startCollector();
  const serve = (...more: string[]): Promise<Process> =>
    startProcess("bench/src/server.ts", ["--roles", "echo", "--frontend", "--ws", "0", "--tcp", "0", ...more]);
  const traced = (sampled: string): Promise<Process> => serve("--tracing", sampled, "--collector", collector.url);
  const [without, nobody, none, some] = [
    await serve(),
    await serve("--tracing", "nobody"),
    await traced("0"),
    await traced("0.01"),
  ];
  const rows = [];
  try {
    for (const over of ["tcp", "ws"] as const) {
      for (const inflight of [1, 16]) {
        const side = (process: Process) => ({ process, port: over });
        const sides = {
          base: { name: "without", side: side(without) },
          others: [
            { name: "no SDK", side: side(nobody) },
            { name: "0 %", side: side(none) },
            { name: "1 %", side: side(some) },
          ],
        };
        rows.push(await measureSides({ name: over === "tcp" ? "TCP" : "WebSocket", over, inflight }, sides, effort));
      }
    }
  } finally {
    await Promise.all([without, nobody, none, some].map((process) => process.end()));
    await collector.stop();
  }
  if (collector.exports === 0) throw new Error("nothing was exported: what is called 1 % was none");
  report(
    "traces",
    `${effort.connections} connections, medians of ${effort.rounds} rounds, ${collector.exports} exports of ${collector.bytes} bytes`,
    rows,
  );
}

/** Takes what is exported, and counts it. */
async function startCollector() {
  const seen = { exports: 0, bytes: 0 };
  const server = createServer((request, response) => {
    request.on("data", (part: Buffer) => {
      seen.bytes += part.length;
    });
    request.on("end", () => {
      seen.exports++;
      response.setHeader("content-type", "application/x-protobuf");
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // It listens on TCP.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    get exports() {
      return seen.exports;
    },
    get bytes() {
      return seen.bytes;
    },
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
