import { createServer } from "node:net";
import type { EchoResult } from "../load/echo.ts";
import { runLoad, startProcess } from "../processes.ts";
import { median, ratio, report } from "../table.ts";
import type { Effort } from "./echo-cases.ts";

const counts = [1, 2];
const inflight = 4;

/** Requests that take 100 us each, to one process and to two workers that share its port. The load has its part of the same cores. */
export async function workers({ seconds, rounds, connections }: Effort): Promise<void> {
  const seen = new Map<number, number[]>(counts.map((count) => [count, []]));
  for (let round = 0; round < rounds; round++) {
    for (const count of counts) {
      const port = await freePort();
      const flags = ["--workers", `${count}`, "--tcp.listen", `127.0.0.1:${port}`];
      const process = await startProcess("bench/src/workers.ts", flags, "any");
      try {
        const { perSecond } = await runLoad<EchoResult>("bench/src/load/echo.ts", {
          port,
          over: "tcp",
          inflight,
          seconds,
          connections,
        });
        seen.get(count)?.push(perSecond);
      } finally {
        await process.end();
      }
    }
  }
  const one = median(seen.get(1) ?? []);
  const rows = counts.map((count) => {
    const perSecond = median(seen.get(count) ?? []);
    return { workers: count, "requests/s": Math.round(perSecond), "of one": ratio(perSecond, one) };
  });
  report(
    "workers",
    `${connections} connections, ${inflight} in flight on each, 100 us a request, medians of ${rounds} rounds`,
    rows,
  );
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== "object" || address === null) throw new Error("no port");
  return address.port;
}
