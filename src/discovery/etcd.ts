import { NanoError } from "../error/index.ts";
import type { Discovery } from "./discovery.ts";
import { createEtcdClient } from "./etcd-client.ts";
import { inFull } from "./etcd-error.ts";
import { EtcdMembership } from "./etcd-membership.ts";
import { mustFit } from "./record.ts";

/** How etcd is reached. */
export interface EtcdOptions {
  /** As "10.0.0.1:2379"; or all in one text, as "etcd://10.0.0.1:2379,10.0.0.2:2379". One that answers is enough. */
  readonly endpoints: readonly string[] | string;
  /** Clusters of two prefixes do not meet. The default is "/nano". */
  readonly prefix?: string;
  /** The default is to log in as nobody. */
  readonly username?: string;
  readonly password?: string;
  /**
   * TLS, with PEM texts: the authority of etcd's certificate; and a certificate with its key, where etcd asks for one. The default is no TLS; or that of
   * the machine's authorities, where an endpoint begins with "https://".
   */
  readonly tls?: { readonly ca: string; readonly cert?: string; readonly key?: string };
  /** After how long a server that says nothing is gone; whole seconds. The default is 10,000. */
  readonly leaseMs?: number;
  /** How long one call to etcd may take. The default is 3,000. */
  readonly callTimeoutMs?: number;
}

// How long a server that starts tries to get in.
const joinTimeoutMs = 10_000;

/**
 * Discovery through etcd. While it is away the cluster goes on with what it knows.
 *
 * `join` rejects with `unauthenticated` or `permission_denied` at once where etcd says so, and with `unavailable` after 10 s without it.
 *
 * @throws {TypeError} An option makes no sense; the words say which.
 */
export function etcd(options: EtcdOptions): Discovery {
  const { prefix = "/nano", leaseMs = 10_000, callTimeoutMs = 3_000 } = options;
  const endpoints = readEndpoints(options.endpoints);
  if (!/^\/.*[^/]$/.test(prefix)) throw new TypeError(`"${prefix}" is no prefix for etcd: write it as /nano`);
  if (!(leaseMs >= 1_000)) throw new TypeError(`a lease of ${leaseMs} ms is too short for etcd: at least 1,000`);
  if (!(callTimeoutMs > 0)) throw new TypeError(`callTimeoutMs is ${callTimeoutMs}: no call to etcd would be answered in time`);
  return {
    name: "etcd",
    async join(self, schema, events, host) {
      mustFit(self);
      const client = await createEtcdClient({ ...options, endpoints, callTimeoutMs }, host.clock);
      const membership = new EtcdMembership({ client, prefix, leaseMs, callTimeoutMs, schema, events, host }, self);
      try {
        await membership.begin(joinTimeoutMs);
      } catch (reason) {
        // It may take a while to say goodbye to an etcd that does not answer; the caller has waited long enough.
        void membership.leave();
        const message = `no place in the cluster of etcd at ${endpoints.join(", ")}: ${inFull(reason)}`;
        throw new NanoError({ code: NanoError.from(reason).code, message, cause: reason });
      }
      return membership;
    },
  };
}

/** Every one as HOST:PORT, with a scheme where it has one. */
function readEndpoints(given: readonly string[] | string): readonly string[] {
  const endpoints = typeof given === "string" ? given.replace(/^etcd:\/\//, "").split(",") : given;
  const bad = endpoints.find((endpoint) => !/^(https?:\/\/)?([^\s/:]+|\[[\da-f:.]+\]):\d{1,5}$/i.test(endpoint));
  if (endpoints.length === 0) throw new TypeError("etcd needs an endpoint, as 127.0.0.1:2379");
  if (bad !== undefined) throw new TypeError(`"${bad}" is no endpoint of etcd: write it as 127.0.0.1:2379`);
  return endpoints;
}
