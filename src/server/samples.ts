import type { LinkTotals } from "../link/index.ts";
import {
  type CallCounter,
  type Distribution,
  type FrontendCounters,
  type MetricName,
  metricCatalog,
  type Sample,
  type ServerCounters,
} from "../metrics/index.ts";

/** What a server has beside its counters. */
export interface SampleSources {
  readonly counters: ServerCounters;
  /** Absent on a server without acceptors. */
  readonly frontend:
    | {
        connectionStates(): Iterable<{ readonly acceptor: string; readonly state: string; readonly count: number }>;
        readonly membership: { readonly size: number };
        readonly sessions: number;
        readonly paused: number;
        readonly users: { readonly size: number };
      }
    | undefined;
  /** Messages of clients, and calls of other servers, that run here. */
  readonly pending: { readonly handlers: () => number; readonly remotes: () => number };
  /** Absent on a server that is in no cluster. */
  links(): LinkTotals | undefined;
  readonly discovery: { readonly away: boolean; readonly lagSeconds: Distribution };
  /** What has blocked the event loop, by route; absent where nobody looks. */
  readonly blocked: ReadonlyMap<string, { readonly times: number; readonly seconds: number }> | undefined;
  /** The servers that are known, this one included. */
  servers(): Iterable<{ readonly types: readonly string[]; readonly state: string }>;
  ready(): boolean;
}

/** Everything that the framework itself counts, as it stands. */
export function* serverSamples(sources: SampleSources): Iterable<Sample> {
  const { counters, frontend, pending, discovery } = sources;
  yield value("nano_ready", sources.ready() ? 1 : 0);
  for (const [kind, count] of Object.entries(pending)) yield value("nano_calls_pending", count(), { kind: kind.slice(0, -1) });
  yield* calls("handler", counters.handlers);
  yield* calls("remote", counters.remotes);
  yield* known(sources.servers());
  yield* remoteCalls(counters.calls);
  yield value("nano_discovery_available", discovery.away ? 0 : 1);
  yield histogram("nano_discovery_lag_seconds", discovery.lagSeconds);
  for (const [route, { times, seconds }] of sources.blocked ?? []) {
    yield value("nano_blocked_total", times, { route });
    yield value("nano_blocked_seconds_total", seconds, { route });
  }
  const links = sources.links();
  if (links) yield* linkSamples(links);
  if (frontend) {
    for (const { count, ...labels } of frontend.connectionStates()) yield value("nano_connections", count, labels);
    yield value("nano_groups", frontend.membership.size);
    yield value("nano_sessions", frontend.sessions);
    yield value("nano_sessions_paused", frontend.paused);
    yield value("nano_users", frontend.users.size);
  }
  if (counters.frontend) {
    yield* edgeSamples(counters.frontend);
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
  ["nano_violations_total", "violations"],
  ["nano_too_slow_total", "tooSlow"],
  ["nano_pauses_total", "paused"],
  ["nano_messages_replayed_total", "replayed"],
  ["nano_silent_total", "silent"],
  ["nano_messages_received_total", "messages"],
  ["nano_messages_sent_total", "messagesSent"],
  ["nano_received_bytes_total", "bytesReceived"],
  ["nano_sent_bytes_total", "bytesSent"],
  ["nano_pushes_unknown_total", "pushesUnknown"],
  ["nano_gaps_total", "gaps"],
  ["nano_must_update_total", "mustUpdate"],
] as const;

function* calls(kind: string, counted: ReadonlyMap<string, CallCounter>): Iterable<Sample> {
  for (const [route, { seconds, queueSeconds, failed }] of counted) {
    const labels = { kind, route };
    yield histogram("nano_call_duration_seconds", seconds, labels);
    if (kind === "handler") yield histogram("nano_queue_duration_seconds", queueSeconds, { route });
    for (const [code, count] of failed) yield value("nano_calls_failed_total", count, { ...labels, code });
  }
}

function* remoteCalls(counted: ReadonlyMap<string, CallCounter>): Iterable<Sample> {
  for (const [route, { seconds, failed }] of counted) {
    yield histogram("nano_remote_call_duration_seconds", seconds, { route });
    for (const [code, count] of failed) yield value("nano_remote_calls_failed_total", count, { route, code });
  }
}

function* linkSamples({ open, broken, queuedBytes, counters }: LinkTotals): Iterable<Sample> {
  yield* byLabel("nano_links", "state", { open, broken });
  yield value("nano_link_queue_bytes", queuedBytes);
  yield* byLabel("nano_link_bytes_total", "direction", { in: counters.bytesIn, out: counters.bytesOut });
  yield* byLabel("nano_link_frames_total", "direction", { in: counters.framesIn, out: counters.framesOut });
  yield* byLabel("nano_link_pushes_total", "fate", { resent: counters.resent, dropped: counters.dropped, lost: counters.lost });
  yield value("nano_link_refused_total", counters.refused);
}

/** What a frontend counts by more than one label, or by route. */
function* edgeSamples(counters: FrontendCounters): Iterable<Sample> {
  for (const [route, seconds] of counters.forwards) yield histogram("nano_forward_duration_seconds", seconds, { route });
  yield* byLabel("nano_handshakes_refused_total", "code", counters.handshakesRefused);
  for (const [kind, codes] of Object.entries(counters.closes)) {
    yield* byLabel("nano_sessions_closed_total", "code", codes, { kind });
  }
  for (const [fate, counts] of [
    ["sent", counters.pushesSent],
    ["replayed", counters.pushesReplayed],
  ] as const) {
    for (const [delivery, count] of Object.entries(counts)) yield value("nano_pushes_total", count, { delivery, fate });
  }
  yield value("nano_pushes_total", counters.pushesCollapsed, { delivery: "latest", fate: "collapsed" });
  yield value("nano_pushes_total", counters.pushesDropped, { delivery: "droppable", fate: "dropped" });
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

type HistogramName = Exclude<MetricName, PlainName>;

function histogram(name: HistogramName, counted: Distribution, labels: LabelValues = {}): Sample {
  return { kind: "histogram", name, help: metricCatalog[name].help, labels, ...counted.read() };
}

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
