import { NanoError } from "../error/index.ts";
import type { Discovery } from "./discovery.ts";
import { createEtcdClient } from "./etcd-client.ts";
import { EtcdMembership } from "./etcd-membership.ts";
import { mustFit } from "./record.ts";

/** How etcd is reached. */
export interface EtcdOptions {
  /** As "10.0.0.1:2379". */
  readonly endpoints: readonly string[];
  /** Clusters of two prefixes do not meet. The default is "/nano". */
  readonly prefix?: string;
  readonly username?: string;
  readonly password?: string;
  /** PEM texts. The default is no TLS. */
  readonly tls?: { readonly ca: string; readonly cert?: string; readonly key?: string };
  /** After how long a server that says nothing is gone; whole seconds. The default is 10,000. */
  readonly leaseMs?: number;
  /** How long one call to etcd may take. The default is 3,000. */
  readonly callTimeoutMs?: number;
}

// How long a server that starts tries to get in.
const joinTimeoutMs = 10_000;

/** Discovery through etcd. While it is away the cluster goes on with what it knows. */
export function etcd(options: EtcdOptions): Discovery {
  const { endpoints, prefix = "/nano", leaseMs = 10_000, callTimeoutMs = 3_000 } = options;
  if (endpoints.length === 0) throw new TypeError("etcd needs an endpoint, as 127.0.0.1:2379");
  return {
    name: "etcd",
    async join(self, schema, events, host) {
      mustFit(self);
      const client = await createEtcdClient(options, host.clock);
      const membership = new EtcdMembership({ client, prefix, leaseMs, callTimeoutMs, schema, events, host }, self);
      try {
        await membership.begin(joinTimeoutMs);
      } catch (reason) {
        // It may take a while to say goodbye to an etcd that does not answer; the caller has waited long enough.
        void membership.leave();
        const { code, message } = NanoError.from(reason);
        throw new NanoError({
          code,
          message: `no place in the cluster of etcd at ${endpoints.join(", ")}: ${message}`,
          cause: reason,
        });
      }
      return membership;
    },
  };
}
