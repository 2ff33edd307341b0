import { limitSettings } from "./limit-settings.ts";
import { choice, flag, list, map, type SettingsOf, share, text, whole } from "./setting.ts";

const tls = {
  certFile: text("Certificate, PEM."),
  keyFile: text("Its key, PEM."),
} as const;

/** Everything that a file, the environment or a flag can set: what a server is made of, as far as it is text. */
export const settingTree = {
  id: text("Unique in the cluster.", "random"),
  version: text("The version of the application."),
  types: list("Types beside those that the services name."),
  metadata: map("What discovery tells of this server."),
  encoding: text("The encoding of clients that name none: protobuf, json, or a serializer of the application.", "json"),
  graceMs: whole("How long a drain may take.", 30_000, 0),
  dictionary: flag("Whether clients that understand it get a code for every route.", true),
  reflection: flag("Whether clients may ask for the schema. Meant for development.", false),
  logLevel: choice(["debug", "info", "warn", "error", "silent"], "The least that is logged.", "info"),
  workers: whole("How many processes share the ports of clients, each a server of its own.", 1),
  tcp: {
    listen: text("Where clients come in by TCP, as 0.0.0.0:3250."),
    tls,
    proxies: list("From where headers of the PROXY protocol are taken: addresses, or networks as 10.0.0.0/8."),
  },
  ws: {
    listen: text("Where clients come in by WebSocket, as 0.0.0.0:3251."),
    path: text("The only path that is taken.", "any"),
    origins: list("Which pages may connect beside those of the same host and port: origins, or any."),
    tls,
    proxies: list("As of tcp."),
  },
  cluster: {
    listen: text("Where other servers come in.", "127.0.0.1:0"),
    advertise: text("What the other servers dial, where it is not what is listened on."),
    tokenFile: text("A file of shared secrets, one a line: the first is shown, any is accepted."),
    tls: { ...tls, caFile: text("The authority of the servers' certificates, PEM.") },
  },
  etcd: {
    endpoints: list("Discovery through etcd, as 10.0.0.1:2379."),
    prefix: text("Clusters of two prefixes do not meet.", "/nano"),
    leaseMs: whole("After how long a server that says nothing is gone; whole seconds.", 10_000, 1_000),
    callTimeoutMs: whole("How long one call to etcd may take.", 3_000),
    username: text("Whom to log in as.", "nobody"),
    passwordFile: text("A file with the password."),
    tls: { caFile: text("The authority of etcd's certificate, PEM."), certFile: tls.certFile, keyFile: tls.keyFile },
  },
  users: {
    sessions: choice(["one", "any"], "How many live sessions a user may have.", "one"),
    whenAway: choice(["lenient", "strict"], "What a bind does while discovery is out of reach.", "lenient"),
  },
  limits: limitSettings,
  compression: {
    on: flag("Whether what clients get is deflated, for those that inflate.", true),
    leastBytes: whole("Bodies below this go as they are.", 1_024, 0),
  },
  http: {
    listen: text("The endpoint for probes and scrapers."),
    advertise: text("What the cluster is told to scrape, where it is not what is listened on."),
  },
  prometheus: flag("Whether the endpoint shows /metrics.", false),
  statsd: {
    host: text("Tells a statsd there."),
    port: whole("Its port.", 8_125),
    prefix: text("Stands before every name."),
    everyMs: whole("How often.", 10_000),
    labels: choice(["names", "tags"], "How labels go out.", "names"),
    histograms: choice(["sums", "timings"], "How histograms do.", "sums"),
    sampleRate: share("Which share of a histogram's values goes out as timings, above 0.", 1),
  },
} as const;

/** Values of settings, as `nano.config.ts` exports them. */
export type Settings = SettingsOf<typeof settingTree>;
