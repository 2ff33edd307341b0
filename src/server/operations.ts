import type { Clock } from "../clock/index.ts";
import type { Readiness } from "../context/index.ts";
import type { ServerInfo } from "../discovery/index.ts";
import type { Logger } from "../logger/index.ts";
import { createMetrics, type Metrics } from "../metrics/index.ts";
import type { Listener } from "../net/index.ts";
import type { Reporter } from "../reporter/index.ts";
import { type HttpOptions, openEndpoint } from "./endpoint.ts";
import { createReporting } from "./reporting.ts";
import { type SampleSources, serverSamples } from "./samples.ts";

/** What those see who run a server: metrics, their reporters, and the HTTP endpoint. */
export interface Operations {
  readonly metrics: Metrics;
  /** Where the endpoint listens; undefined: nowhere. */
  readonly address: string | undefined;
  /** What the cluster is told of the server beside the application's own. */
  readonly metadata: Readonly<Record<string, string>>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** What they are made of. */
export interface OperationsOptions {
  readonly id: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly reporters: readonly Reporter[];
  /** Undefined: no endpoint. */
  readonly http: HttpOptions | undefined;
  readonly sources: Omit<SampleSources, "servers" | "ready">;
  readonly readiness: () => Readiness;
  /** Finds out what of readiness is to be found out. Never rejects. */
  readonly look: () => Promise<void>;
  readonly servers: () => readonly ServerInfo[];
  readonly schema: () => object;
}

// Where the cluster finds a server's endpoint.
const endpointKey = "nano.http";

/** Throws a TypeError where two reporters want one path. */
export function createOperations({ sources, readiness, look, servers, http, schema, ...rest }: OperationsOptions): Operations {
  const metrics = createMetrics();
  metrics.source(() => serverSamples({ ...sources, servers, ready: () => readiness().ready }));
  const reporting = createReporting({ ...rest, read: () => metrics.read() });
  let endpoint: Listener | undefined;
  let address: string | undefined;

  return {
    metrics,
    get address() {
      return address;
    },
    get metadata(): Readonly<Record<string, string>> {
      const told = http?.advertise ?? address;
      return told === undefined || endpoint === undefined ? {} : { [endpointKey]: told };
    },
    async start() {
      await reporting.start();
      if (!http) return;
      const { pages } = reporting;
      endpoint = await openEndpoint(http, {
        clock: rest.clock,
        pages,
        readiness,
        look,
        schema,
        targets: () => targets(servers()),
      });
      const { host, port } = endpoint;
      address = `${host.includes(":") ? `[${host}]` : host}:${port}`;
    },
    async stop() {
      await reporting.stop();
      await endpoint?.close();
    },
  };
}

/** What Prometheus asks of its HTTP discovery: https://prometheus.io/docs/prometheus/latest/http_sd/ */
function targets(servers: readonly ServerInfo[]): readonly object[] {
  return servers.flatMap(({ id, types, version, metadata }) => {
    const at = metadata[endpointKey];
    // Not "type": a label of a target hides one of the same name in what it shows, and nano_servers has that.
    return at ? [{ targets: [at], labels: { server: id, types: types.join(","), version } }] : [];
  });
}
