import type { Sample as Series } from "../metrics/index.ts";
import { listenHttp } from "../net/index.ts";
import { type PrometheusReporter, prometheus } from "../reporter/index.ts";
import type { Gathering } from "./gathering.ts";
import type { Sample } from "./report.ts";

/** A run, as Prometheus sees it. */
export interface Exposition {
  /** As "127.0.0.1:9191". */
  readonly address: string;
  close(): Promise<void>;
}

// In seconds, as those of the servers.
const limits = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Opens `/metrics` for as long as a run lasts. Rejects where nobody may listen there. */
export async function expose(
  at: { readonly host: string; readonly port: number },
  gathering: Gathering,
  last: () => Sample | undefined,
): Promise<Exposition> {
  const reporter: PrometheusReporter = prometheus({ process: false });
  await reporter.start({ id: "nano-bot", read: () => series(gathering, last()), every: () => {}, failed: () => {} });
  const listener = await listenHttp(at, async (path) => {
    if (path !== "/metrics") return undefined;
    const { type, text } = await reporter.page.read();
    return { status: 200, type, text };
  });
  return {
    address: `${listener.host}:${listener.port}`,
    async close() {
      await listener.close();
      await reporter.stop();
    },
  };
}

function* series(gathering: Gathering, last: Sample | undefined): Iterable<Series> {
  const { calls, pushes, drops, returns } = gathering.figures();
  const gauge = (name: string, help: string, value: number): Series => ({ kind: "gauge", name, help, labels: {}, value });
  const counter = (name: string, help: string, labels: Readonly<Record<string, string>>, value: number): Series => {
    return { kind: "counter", name, help, labels, value };
  };
  yield gauge("nano_bot_users", "Users that are there.", last?.users ?? 0);
  yield gauge("nano_bot_connections", "Users whose connection is open.", last?.connections ?? 0);
  for (const { route } of calls) {
    const took = gathering.latencies(route);
    if (!took) continue;
    const bars = took.bars();
    const buckets = limits.map((le) => {
      return { le, count: bars.reduce((sum, [toMs, count]) => (toMs <= le * 1_000 ? sum + count : sum), 0) };
    });
    const of = { name: "nano_bot_call_duration_seconds", help: "From the request, or when it was due, to its answer." };
    yield { kind: "histogram", ...of, labels: { route }, buckets, sum: took.sumMs / 1_000, count: took.count };
  }
  for (const { route, errors } of calls) {
    for (const [code, count] of Object.entries(errors)) {
      yield counter("nano_bot_calls_failed_total", "Calls that failed.", { route, code }, count);
    }
  }
  for (const { route, expected, came, duplicates } of pushes) {
    yield counter("nano_bot_pushes_expected_total", "Pushes that were to come.", { route }, expected);
    yield counter("nano_bot_pushes_total", "Pushes that came.", { route }, came);
    yield counter("nano_bot_pushes_duplicate_total", "Pushes that came once more than they should.", { route }, duplicates);
  }
  yield counter("nano_bot_drops_total", "Connections that broke.", {}, drops);
  for (const [via, count] of Object.entries(returns)) {
    yield counter("nano_bot_returns_total", "Connections that came back, by how.", { via }, count);
  }
}
