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
  nano_discovery_available: { kind: "gauge", labels: [], help: "1 while discovery answers." },
  nano_discovery_lag_seconds: {
    kind: "histogram",
    labels: [],
    help: "From telling discovery of a change of this server to finding it there.",
  },
  nano_blocked_total: { kind: "counter", labels: ["route"], help: "How often something has blocked the event loop." },
  nano_blocked_seconds_total: { kind: "counter", labels: ["route"], help: "How long it was blocked, in all." },
  nano_links: {
    kind: "gauge",
    labels: ["state"],
    help: "Links to other servers; broken: their stream is gone, and may be back.",
  },
  nano_link_queue_bytes: { kind: "gauge", labels: [], help: "Bytes that wait on links." },
  nano_link_bytes_total: { kind: "counter", labels: ["direction"], help: "Bytes over links." },
  nano_link_frames_total: { kind: "counter", labels: ["direction"], help: "Frames over links." },
  nano_link_pushes_total: {
    kind: "counter",
    labels: ["fate"],
    help: "Pushes that links sent once more on another stream, dropped, or lost.",
  },
  nano_link_refused_total: { kind: "counter", labels: [], help: "Frames that a link did not take: too much was under way." },
  nano_calls_pending: { kind: "gauge", labels: ["kind"], help: "Calls that began here and have not been answered." },
  nano_call_duration_seconds: {
    kind: "histogram",
    labels: ["kind", "route"],
    help: "From the moment in which a call's turn had come to its answer.",
  },
  nano_calls_failed_total: { kind: "counter", labels: ["kind", "route", "code"], help: "Calls that were answered by an error." },
  nano_queue_duration_seconds: {
    kind: "histogram",
    labels: ["route"],
    help: "From the arrival of a client's message on the server that answers it to its turn.",
  },
  nano_forward_duration_seconds: {
    kind: "histogram",
    labels: ["route"],
    help: "A client's message to the server that answers it, and back.",
  },
  nano_remote_call_duration_seconds: {
    kind: "histogram",
    labels: ["route"],
    help: "Remote calls from the side of the caller, over all their tries.",
  },
  nano_remote_calls_failed_total: {
    kind: "counter",
    labels: ["route", "code"],
    help: "Remote calls that brought their caller an error.",
  },
  nano_connections: { kind: "gauge", labels: ["acceptor", "state"], help: "Sockets of clients." },
  nano_sessions: { kind: "gauge", labels: [], help: "Sessions of clients." },
  nano_sessions_paused: { kind: "gauge", labels: [], help: "Sessions whose clients have no connection and may come back." },
  nano_clients: { kind: "gauge", labels: ["fingerprint", "release"], help: "Sessions by the fingerprint of their clients." },
  nano_users: { kind: "gauge", labels: [], help: "Sessions that have a user." },
  nano_connections_accepted_total: { kind: "counter", labels: [], help: "Sockets taken." },
  nano_handshakes_refused_total: { kind: "counter", labels: ["code"], help: "Sockets closed before their handshake was done." },
  nano_sessions_closed_total: { kind: "counter", labels: ["kind", "code"], help: "Sessions that ended, by why." },
  nano_groups: { kind: "gauge", labels: [], help: "Groups that have members here." },
  nano_violations_total: { kind: "counter", labels: [], help: "Connections closed for a breach of the protocol." },
  nano_too_slow_total: { kind: "counter", labels: [], help: "Connections cut since they read too slowly." },
  nano_pauses_total: { kind: "counter", labels: [], help: "Sessions that lost their connection and waited for their client." },
  nano_resumes_total: { kind: "counter", labels: ["outcome"], help: "What came of clients that came back with a ticket." },
  nano_messages_replayed_total: {
    kind: "counter",
    labels: [],
    help: "Messages that went to clients that had come back: again, or late.",
  },
  nano_pushes_total: {
    kind: "counter",
    labels: ["delivery", "fate"],
    help: "Pushes to sessions here: sent, replayed (again or late), collapsed (a newer one took their place), dropped.",
  },
  nano_silent_total: { kind: "counter", labels: [], help: "Connections that fell silent." },
  nano_messages_received_total: { kind: "counter", labels: [], help: "Messages of clients." },
  nano_messages_sent_total: { kind: "counter", labels: [], help: "Messages to clients: answers and pushes." },
  nano_received_bytes_total: { kind: "counter", labels: [], help: "Bytes of clients." },
  nano_sent_bytes_total: { kind: "counter", labels: [], help: "Bytes to clients." },
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
