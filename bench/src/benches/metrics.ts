import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type Process, startProcess } from "../processes.ts";
import { median, ratio, report } from "../table.ts";
import { type Effort, type Measured, measure, portOf, type Side } from "./echo-cases.ts";

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
        const sides = [without, all].map((process) => ({ process, port: over }));
        rows.push(await inTurn({ name, over, inflight }, sides, effort));
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

/** Measures both sides in turn, and each as often first as second. */
async function inTurn(
  one: { readonly name: string; readonly over: "tcp" | "ws"; readonly inflight: number },
  sides: readonly Side[],
  effort: Effort,
): Promise<Readonly<Record<string, unknown>>> {
  const measured: readonly Measured[][] = sides.map(() => []);
  for (let round = 0; round < effort.rounds; round++) {
    const order = [...sides.keys()];
    for (const at of round % 2 === 0 ? order : order.reverse()) {
      const side = sides[at];
      if (side) measured[at]?.push(await measure(one, side, false, effort));
    }
  }
  const of = (at: number, field: keyof Measured): number => median((measured[at] ?? []).map((each) => each[field]));
  return {
    what: one.name,
    inflight: one.inflight,
    "without/s": of(0, "perSecond"),
    "all/s": of(1, "perSecond"),
    ratio: ratio(of(1, "perSecond"), of(0, "perSecond")),
    "without us": Number(of(0, "cpuUs").toFixed(2)),
    "all us": Number(of(1, "cpuUs").toFixed(2)),
    "cpu ratio": ratio(of(0, "cpuUs"), of(1, "cpuUs")),
  };
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
