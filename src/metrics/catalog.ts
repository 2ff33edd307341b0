import type { Sample } from "./sample.ts";

/** What a metric is, before anything was counted. */
export interface MetricEntry {
  readonly kind: Sample["kind"];
  readonly help: string;
  readonly labels: readonly string[];
}

/** Every metric that the framework itself counts, by its name: documentation, dashboards and alerts are held against it. */
export const metricCatalog = {
  nano_ready: { kind: "gauge", labels: [], help: "1 while the server takes new work." },
  nano_servers: { kind: "gauge", labels: ["type", "state"], help: "Servers of the cluster, as this one sees it." },
  nano_links: { kind: "gauge", labels: [], help: "Open links to other servers." },
  nano_calls_pending: { kind: "gauge", labels: ["kind"], help: "Calls that began here and have not been answered." },
  nano_call_duration_seconds: {
    kind: "histogram",
    labels: ["kind", "route"],
    help: "From the moment in which a call's turn had come to its answer.",
  },
  nano_calls_failed_total: { kind: "counter", labels: ["kind", "route", "code"], help: "Calls that were answered by an error." },
  nano_connections: { kind: "gauge", labels: [], help: "Sockets of clients." },
  nano_sessions: { kind: "gauge", labels: [], help: "Sessions of clients." },
  nano_sessions_paused: { kind: "gauge", labels: [], help: "Sessions whose clients have no connection and may come back." },
  nano_clients: { kind: "gauge", labels: ["fingerprint", "release"], help: "Sessions by the fingerprint of their clients." },
  nano_users: { kind: "gauge", labels: [], help: "Sessions that have a user." },
  nano_connections_accepted_total: { kind: "counter", labels: [], help: "Sockets taken." },
  nano_handshakes_refused_total: { kind: "counter", labels: [], help: "Sockets closed before their handshake was done." },
  nano_violations_total: { kind: "counter", labels: [], help: "Connections closed for a breach of the protocol." },
  nano_too_slow_total: { kind: "counter", labels: [], help: "Connections cut since they read too slowly." },
  nano_pauses_total: { kind: "counter", labels: [], help: "Sessions that lost their connection and waited for their client." },
  nano_resumes_total: { kind: "counter", labels: ["outcome"], help: "What came of clients that came back with a ticket." },
  nano_messages_replayed_total: {
    kind: "counter",
    labels: [],
    help: "Messages that went to clients that had come back: again, or late.",
  },
  nano_pushes_collapsed_total: {
    kind: "counter",
    labels: [],
    help: "Pushes of the class latest that a newer one took the place of.",
  },
  nano_pushes_dropped_total: {
    kind: "counter",
    labels: [],
    help: "Pushes of the class droppable that were dropped.",
  },
  nano_silent_total: { kind: "counter", labels: [], help: "Connections that fell silent." },
  nano_messages_received_total: { kind: "counter", labels: [], help: "Messages of clients." },
  nano_refused_total: { kind: "counter", labels: ["stage"], help: "Messages refused, by the stage that refused." },
  nano_limit_hits_total: { kind: "counter", labels: ["limit"], help: "How often a limit was hit." },
  nano_pushes_unknown_total: {
    kind: "counter",
    labels: [],
    help: "Pushes whose route or message is not known here.",
  },
  nano_gaps_total: {
    kind: "counter",
    labels: [],
    help: "Sessions that missed pushes, since a link stayed broken or was too full.",
  },
  nano_must_update_total: { kind: "counter", labels: [], help: "Clients turned away that must update." },
  nano_cluster_refused_total: {
    kind: "counter",
    labels: ["kind", "reason"],
    help: "What the cluster port and discovery turned away.",
  },
} as const satisfies Readonly<Record<string, MetricEntry>>;

/** A metric of the framework. */
export type MetricName = keyof typeof metricCatalog;
