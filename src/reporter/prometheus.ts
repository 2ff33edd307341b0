import { collectDefaultMetrics, type Metric, Registry } from "prom-client";
import type { Sample } from "../metrics/index.ts";
import type { Reporter, ReporterHost, ReporterPage } from "./reporter.ts";

/** How Prometheus is served. */
export interface PrometheusOptions {
  /** Where, on the server's HTTP endpoint. The default is "/metrics". */
  readonly path?: string;
  /** Whether the process is shown as well: its CPU, memory, event loop and garbage collection. The default is true. */
  readonly process?: boolean;
  /** A registry of prom-client of the application's own, shown beside. The default is none. */
  readonly registry?: Registry;
}

/** A page for Prometheus to scrape, on the endpoint that `http` of the server's options opens. */
export interface PrometheusReporter extends Reporter {
  readonly page: ReporterPage;
}

/** Serves what was counted to Prometheus, by prom-client, in its text format 0.0.4. */
export function prometheus(options: PrometheusOptions = {}): PrometheusReporter {
  let host: ReporterHost | undefined;
  let ofProcess: Registry | undefined;
  return {
    name: "prometheus",
    page: {
      path: options.path ?? "/metrics",
      async read() {
        const own = new Registry();
        for (const family of families(host?.read() ?? [])) own.registerMetric(family);
        const shown = [own, ofProcess, options.registry].filter((registry) => registry !== undefined);
        return {
          type: Registry.PROMETHEUS_CONTENT_TYPE,
          text: (await Promise.all(shown.map((one) => one.metrics()))).join("\n"),
        };
      },
    },
    start(to) {
      host = to;
      if (options.process === false) return;
      ofProcess = new Registry();
      collectDefaultMetrics({ register: ofProcess });
    },
    stop() {
      host = undefined;
      ofProcess?.clear();
    },
  };
}

interface Line {
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/** Metrics of prom-client that were counted elsewhere: its own cannot be set to what a histogram holds. */
function families(samples: Iterable<Sample>): readonly Metric[] {
  const byName = new Map<string, { readonly sample: Sample; readonly values: Line[] }>();
  for (const sample of samples) {
    let family = byName.get(sample.name);
    if (!family) {
      family = { sample, values: [] };
      byName.set(sample.name, family);
    }
    family.values.push(...lines(sample));
  }
  return [...byName.values()].map(({ sample: { name, help, kind }, values }) => {
    const shown = { name, help, type: kind, aggregator: "sum", values };
    return { name, get: () => Promise.resolve(shown) } as unknown as Metric;
  });
}

function lines(sample: Sample): readonly Line[] {
  const { name, labels } = sample;
  if (sample.kind !== "histogram") return [{ labels, value: sample.value }];
  const { buckets, sum, count } = sample;
  return [
    ...buckets.map(({ le, count: below }) => ({ metricName: `${name}_bucket`, labels: { ...labels, le }, value: below })),
    { metricName: `${name}_bucket`, labels: { ...labels, le: "+Inf" }, value: count },
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ];
}
