// Prints docs/prometheus/grafana.json, a dashboard, from the list of metrics; or to the file that is named. A metric without a place in it ends this with an error.
import { writeFileSync } from "node:fs";
import { argv } from "node:process";
import { type MetricEntry, type MetricName, metricCatalog } from "../src/metrics/index.ts";

interface Panel {
  readonly title: string;
  readonly description: string;
  readonly unit: string;
  /** What is asked, and how each line is called. */
  readonly lines: readonly { readonly expr: string; readonly legend: string }[];
}

const here = 'job=~"$job",server=~"$server"';
const window = "$__rate_interval";

const rows: Readonly<Record<string, readonly (MetricName | Panel)[]>> = {
  "At a glance": [
    "nano_ready",
    "nano_sessions",
    "nano_users",
    "nano_connections",
    "nano_servers",
    "nano_messages_received_total",
  ],
  Calls: [
    "nano_call_duration_seconds",
    "nano_calls_failed_total",
    "nano_calls_pending",
    "nano_queue_duration_seconds",
    "nano_forward_duration_seconds",
    "nano_remote_call_duration_seconds",
    "nano_remote_calls_failed_total",
  ],
  "The client edge": [
    "nano_connections_accepted_total",
    "nano_handshakes_refused_total",
    "nano_refused_total",
    "nano_limit_hits_total",
    "nano_violations_total",
    "nano_too_slow_total",
    "nano_sessions_paused",
    "nano_pauses_total",
    "nano_resumes_total",
    "nano_messages_replayed_total",
    "nano_pushes_total",
    "nano_messages_sent_total",
    "nano_received_bytes_total",
    "nano_sent_bytes_total",
    "nano_sessions_closed_total",
    "nano_groups",
    "nano_silent_total",
    "nano_clients",
    "nano_must_update_total",
  ],
  "The cluster": [
    "nano_links",
    "nano_link_queue_bytes",
    "nano_link_bytes_total",
    "nano_link_frames_total",
    "nano_link_pushes_total",
    "nano_link_refused_total",
    "nano_discovery_available",
    "nano_discovery_lag_seconds",
    "nano_cluster_refused_total",
    "nano_pushes_unknown_total",
    "nano_gaps_total",
  ],
  "The process": [
    process("CPU", "Share of a core.", "percentunit", `rate(process_cpu_seconds_total{${here}}[${window}])`),
    process("Memory", "Resident.", "bytes", `process_resident_memory_bytes{${here}}`),
    process("Event loop delay, p99", "How late timers come.", "s", `nodejs_eventloop_lag_p99_seconds{${here}}`),
    "nano_blocked_total",
    "nano_blocked_seconds_total",
    process(
      "Garbage collection",
      "Share of the time.",
      "percentunit",
      `sum by (server) (rate(nodejs_gc_duration_seconds_sum{${here}}[${window}]))`,
    ),
  ],
};

const placed = Object.values(rows).flat();
const missing = Object.keys(metricCatalog).filter((name) => !placed.includes(name as MetricName));
if (missing.length > 0) throw new Error(`no place in the dashboard: ${missing.join(", ")}`);

function process(title: string, description: string, unit: string, expr: string): Panel {
  return { title, description, unit, lines: [{ expr, legend: "{{server}}" }] };
}

/** A counter is shown by what it grows a second, a gauge by its sum, a histogram by its quantiles. */
function panelOf(name: MetricName): Panel {
  const { kind, help, labels }: MetricEntry = metricCatalog[name];
  const legend = labels.length === 0 ? "{{server}}" : labels.map((label) => `{{${label}}}`).join(" ");
  const by = labels.length === 0 ? "server" : labels.join(", ");
  const title = name
    .replace(/^nano_/, "")
    .replace(/(_seconds)?(_total)?$/, (unit) => (unit === "_seconds_total" ? " seconds" : ""))
    .replaceAll("_", " ");
  const about = { title, description: help };
  switch (kind) {
    case "counter":
      return {
        ...about,
        unit: name.endsWith("_bytes_total") ? "Bps" : "cps",
        lines: [{ expr: `sum by (${by}) (rate(${name}{${here}}[${window}]))`, legend }],
      };
    case "gauge":
      return {
        ...about,
        unit: name.endsWith("_bytes") ? "bytes" : "short",
        lines: [{ expr: `sum by (${by}) (${name}{${here}})`, legend }],
      };
    case "histogram":
      return {
        ...about,
        unit: "s",
        lines: ["0.5", "0.95", "0.99"].map((quantile) => ({
          expr: `histogram_quantile(${quantile}, sum by (le, ${by}) (rate(${name}_bucket{${here}}[${window}])))`,
          legend: `${legend} p${Number(quantile) * 100}`,
        })),
      };
  }
}

const datasource = { type: "prometheus", uid: "$datasource" };
let id = 0;
let y = 0;
const panels = Object.entries(rows).flatMap(([title, row]) => {
  const head = { id: ++id, type: "row", title, collapsed: false, gridPos: { x: 0, y: y++, w: 24, h: 1 }, panels: [] };
  const shown = row.map((entry, at) => {
    const { lines, unit, ...about } = typeof entry === "string" ? panelOf(entry) : entry;
    return {
      ...{ id: ++id, type: "timeseries", ...about, datasource },
      gridPos: { x: (at % 3) * 8, y: y + Math.floor(at / 3) * 7, w: 8, h: 7 },
      fieldConfig: { defaults: { unit, custom: { fillOpacity: 8, showPoints: "never" } }, overrides: [] },
      options: { legend: { displayMode: "list", placement: "bottom" }, tooltip: { mode: "multi", sort: "desc" } },
      targets: lines.map(({ expr, legend }, line) => ({
        ...{ refId: String.fromCharCode(65 + line), expr, legendFormat: legend, datasource },
      })),
    };
  });
  y += Math.ceil(row.length / 3) * 7;
  return [head, ...shown];
});

const variable = (name: string, of: string): object => ({
  ...{ name, type: "query", datasource, refresh: 2, includeAll: true, multi: true },
  query: { query: of, refId: name },
  current: { text: ["All"], value: ["$__all"] },
});

const dashboard = {
  ...{ title: "nano", uid: "nano", tags: ["nano"], schemaVersion: 39, editable: true, refresh: "10s" },
  time: { from: "now-30m", to: "now" },
  templating: {
    list: [
      { name: "datasource", type: "datasource", query: "prometheus" },
      variable("job", "label_values(nano_ready, job)"),
      variable("server", 'label_values(nano_ready{job=~"$job"}, server)'),
    ],
  },
  panels,
};

const [target = new URL("../docs/prometheus/grafana.json", import.meta.url)] = argv.slice(2);
writeFileSync(target, `${JSON.stringify(dashboard, undefined, 2)}\n`);
