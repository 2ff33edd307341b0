export { type PrometheusOptions, type PrometheusReporter, prometheus } from "./prometheus.ts";
export type { Reporter, ReporterHost, ReporterPage } from "./reporter.ts";
export { type StatsdOptions, statsd } from "./statsd.ts";
