import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type Process, startProcess } from "../processes.ts";
import { report } from "../table.ts";
import { type Effort, portOf } from "./echo-cases.ts";
import { measureSides } from "./side-by-side.ts";

const scrapeMs = 1_000;

/** The same frontend without reporters, and with all of them: Prometheus, which is scraped each second, and statsd, which tells each second. */
export async function metrics(effort: Effort): Promise<void> {
  const statsd = createSocket("udp4").bind(0, "127.0.0.1");
  await once(statsd, "listening");
  const serve = (...more: string[]): Promise<Process> =>
    startProcess("bench/src/server.ts", ["--roles", "echo", "--frontend", "--ws", "0", "--tcp", "0", ...more]);
  const [without, all] = [await serve(), await serve("--statsd", String(statsd.address().port))];
  const scraper = new Scraper(`http://127.0.0.1:${portOf({ process: all, port: "http" })}/metrics`);
  const rows = [];
  try {
    for (const over of ["tcp", "ws"] as const) {
      for (const inflight of [1, 16]) {
        const name = over === "tcp" ? "TCP" : "WebSocket";
        const sides = {
          base: { name: "without", side: { process: without, port: over } },
          others: [{ name: "all", side: { process: all, port: over } }],
        };
        rows.push(await measureSides({ name, over, inflight }, sides, effort));
      }
    }
  } finally {
    await scraper.stop();
    await Promise.all([without.end(), all.end()]);
    statsd.close();
  }
  report(
    "metrics",
    `${effort.connections} connections, medians of ${effort.rounds} rounds, ${scraper.scrapes} scrapes of ${scraper.bytes} bytes`,
    rows,
  );
}

/** Reads a page again and again. */
class Scraper {
  scrapes = 0;
  bytes = 0;
  readonly #url: string;
  readonly #timer: NodeJS.Timeout;
  #last: Promise<void> = Promise.resolve();

  constructor(url: string) {
    this.#url = url;
    this.#timer = setInterval(() => {
      // A scrape that takes longer than its period is not overtaken.
      this.#last = this.#last.then(() => this.#scrape());
    }, scrapeMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#last;
  }

  async #scrape(): Promise<void> {
    const answer = await fetch(this.#url);
    if (!answer.ok) throw new Error(`${this.#url} answered ${answer.status}`);
    this.bytes = (await answer.text()).length;
    this.scrapes++;
  }
}
