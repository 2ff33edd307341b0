import { type CallCounter, type MetricName, metricCatalog, type Sample, type ServerCounters } from "../metrics/index.ts";

/** What a server has beside its counters. */
export interface SampleSources {
  readonly counters: ServerCounters;
  /** Absent on a server without acceptors. */
  readonly frontend:
    | {
        readonly connections: number;
        readonly sessions: number;
        readonly paused: number;
        readonly users: { readonly size: number };
      }
    | undefined;
  /** Messages of clients, and calls of other servers, that run here. */
  readonly pending: { readonly handlers: () => number; readonly remotes: () => number };
  /** Absent on a server that is in no cluster. */
  links(): number | undefined;
  /** The servers that are known, this one included. */
  servers(): Iterable<{ readonly types: readonly string[]; readonly state: string }>;
  ready(): boolean;
}

/** Everything that the framework itself counts, as it stands. */
export function* serverSamples(sources: SampleSources): Iterable<Sample> {
  const { counters, frontend, pending } = sources;
  yield value("nano_ready", sources.ready() ? 1 : 0);
  for (const [kind, count] of Object.entries(pending)) yield value("nano_calls_pending", count(), { kind: kind.slice(0, -1) });
  yield* calls("handler", counters.handlers);
  yield* calls("remote", counters.remotes);
  yield* known(sources.servers());
  const links = sources.links();
  if (links !== undefined) yield value("nano_links", links);
  if (frontend) {
    yield value("nano_connections", frontend.connections);
    yield value("nano_sessions", frontend.sessions);
    yield value("nano_sessions_paused", frontend.paused);
    yield value("nano_users", frontend.users.size);
  }
  if (counters.frontend) {
    for (const [name, of] of edge) yield value(name, counters.frontend[of]);
    for (const { fingerprint, release, sessions } of counters.frontend.clients.values()) {
      yield value("nano_clients", sessions, { fingerprint, release });
    }
    yield* byLabel("nano_resumes_total", "outcome", counters.frontend.resumes);
    yield* byLabel("nano_refused_total", "stage", counters.frontend.refused);
    yield* byLabel("nano_limit_hits_total", "limit", counters.frontend.limits);
  }
  for (const [of, reasons] of Object.entries(counters.cluster ?? {})) {
    yield* byLabel("nano_cluster_refused_total", "reason", reasons, { kind: of.replace("Refused", "") });
  }
}

/** What a frontend counts as one number, by what is reported. */
const edge = [
  ["nano_connections_accepted_total", "accepted"],
  ["nano_handshakes_refused_total", "handshakesRefused"],
  ["nano_violations_total", "violations"],
  ["nano_too_slow_total", "tooSlow"],
  ["nano_pauses_total", "paused"],
  ["nano_messages_replayed_total", "replayed"],
  ["nano_pushes_collapsed_total", "pushesCollapsed"],
  ["nano_pushes_dropped_total", "pushesDropped"],
  ["nano_silent_total", "silent"],
  ["nano_messages_received_total", "messages"],
  ["nano_pushes_unknown_total", "pushesUnknown"],
  ["nano_gaps_total", "gaps"],
  ["nano_must_update_total", "mustUpdate"],
] as const;

function* calls(kind: string, counted: ReadonlyMap<string, CallCounter>): Iterable<Sample> {
  const name = "nano_call_duration_seconds";
  for (const [route, { seconds, failed }] of counted) {
    const labels = { kind, route };
    yield { kind: "histogram", name, help: metricCatalog[name].help, labels, ...seconds.read() };
    for (const [code, count] of failed) yield value("nano_calls_failed_total", count, { ...labels, code });
  }
}

function* known(servers: ReturnType<SampleSources["servers"]>): Iterable<Sample> {
  const counts = new Map<string, { readonly labels: { readonly type: string; readonly state: string }; count: number }>();
  for (const { types, state } of servers) {
    for (const type of types) {
      const key = `${type}\n${state}`;
      const found = counts.get(key) ?? { labels: { type, state }, count: 0 };
      found.count++;
      counts.set(key, found);
    }
  }
  for (const { labels, count } of counts.values()) yield value("nano_servers", count, labels);
}

type LabelValues = Readonly<Record<string, string>>;
type PlainName = { [N in MetricName]: (typeof metricCatalog)[N]["kind"] extends "histogram" ? never : N }[MetricName];

function value(name: PlainName, count: number, labels: LabelValues = {}): Sample {
  const { kind, help } = metricCatalog[name];
  return { kind, name, help, labels, value: count };
}

function* byLabel(
  name: PlainName,
  label: string,
  counts: Readonly<Record<string, number>>,
  labels: LabelValues = {},
): Iterable<Sample> {
  for (const [key, count] of Object.entries(counts)) yield value(name, count, { ...labels, [label]: key });
}
