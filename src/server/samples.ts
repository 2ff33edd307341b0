import type { CallCounter, Sample, ServerCounters } from "../metrics/index.ts";

/** What a server has beside its counters. */
export interface SampleSources {
  readonly counters: ServerCounters;
  /** Absent on a server without acceptors. */
  readonly frontend:
    | { readonly connections: number; readonly sessions: number; readonly users: { readonly size: number } }
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
  yield gauge("nano_ready", "1 while the server takes new work.", sources.ready() ? 1 : 0);
  for (const [kind, value] of Object.entries(pending)) {
    yield gauge("nano_calls_pending", "Calls that began here and have not been answered.", value(), { kind: kind.slice(0, -1) });
  }
  yield* calls("handler", counters.handlers);
  yield* calls("remote", counters.remotes);
  yield* known(sources.servers());
  const links = sources.links();
  if (links !== undefined) yield gauge("nano_links", "Open links to other servers.", links);
  if (frontend) {
    yield gauge("nano_connections", "Sockets of clients.", frontend.connections);
    yield gauge("nano_sessions", "Sessions of clients.", frontend.sessions);
    yield gauge("nano_users", "Sessions that have a user.", frontend.users.size);
  }
  if (counters.frontend) {
    for (const [name, [of, help]] of Object.entries(edge)) yield counter(`nano_${name}_total`, help, counters.frontend[of]);
    yield* byLabel("nano_refused_total", "Messages refused, by the stage that refused.", "stage", counters.frontend.refused);
    yield* byLabel("nano_limit_hits_total", "How often a limit was hit.", "limit", counters.frontend.limits);
  }
  for (const [of, reasons] of Object.entries(counters.cluster ?? {})) {
    const kind = of.replace("Refused", "");
    yield* byLabel("nano_cluster_refused_total", "What the cluster port and discovery turned away.", "reason", reasons, { kind });
  }
}

/** What a frontend counts as one number, by what is reported. */
const edge = {
  connections_accepted: ["accepted", "Sockets taken."],
  handshakes_refused: ["handshakesRefused", "Sockets closed before their handshake was done."],
  violations: ["violations", "Connections closed for a breach of the protocol."],
  too_slow: ["tooSlow", "Connections cut since they read too slowly."],
  silent: ["silent", "Connections that fell silent."],
  messages_received: ["messages", "Messages of clients."],
  pushes_unknown: ["pushesUnknown", "Pushes whose route or message is not known here."],
  gaps: ["gaps", "Sessions that missed pushes, since a link stayed broken or was too full."],
} as const;

function* calls(kind: string, counted: ReadonlyMap<string, CallCounter>): Iterable<Sample> {
  for (const [route, { seconds, failed }] of counted) {
    const labels = { kind, route };
    yield {
      ...{ kind: "histogram", name: "nano_call_duration_seconds", labels, ...seconds.read() },
      help: "From the moment in which a call's turn had come to its answer.",
    };
    for (const [code, value] of failed) {
      yield counter("nano_calls_failed_total", "Calls that were answered by an error.", value, { ...labels, code });
    }
  }
}

function* known(servers: ReturnType<SampleSources["servers"]>): Iterable<Sample> {
  const counts = new Map<string, { readonly labels: { readonly type: string; readonly state: string }; value: number }>();
  for (const { types, state } of servers) {
    for (const type of types) {
      const key = `${type}\n${state}`;
      const count = counts.get(key) ?? { labels: { type, state }, value: 0 };
      count.value++;
      counts.set(key, count);
    }
  }
  for (const { labels, value } of counts.values())
    yield gauge("nano_servers", "Servers of the cluster, as this one sees it.", value, labels);
}

type LabelValues = Readonly<Record<string, string>>;

function gauge(name: string, help: string, value: number, labels: LabelValues = {}): Sample {
  return { kind: "gauge", name, help, labels, value };
}

function counter(name: string, help: string, value: number, labels: LabelValues = {}): Sample {
  return { kind: "counter", name, help, labels, value };
}

function* byLabel(
  name: string,
  help: string,
  label: string,
  counts: Readonly<Record<string, number>>,
  labels: LabelValues = {},
): Iterable<Sample> {
  for (const [key, value] of Object.entries(counts)) yield counter(name, help, value, { ...labels, [label]: key });
}
