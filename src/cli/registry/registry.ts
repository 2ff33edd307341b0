import type { ServiceImpl } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { Auth, Cluster, KV, Lease, Maintenance, Watch } from "../../../gen/etcd/api/etcdserverpb/rpc_pb.ts";
import type { Clock, Random } from "../../clock/index.ts";
import type { Http2Net } from "../../net/index.ts";
import { refusal } from "./etcd-refusal.ts";
import { keyService } from "./key-service.ts";
import { KeyStore } from "./key-store.ts";
import { leaseService } from "./lease-service.ts";
import { Leases } from "./leases.ts";
import { authService, clusterService, maintenanceService } from "./member-services.ts";
import { createQuota } from "./quota.ts";
import { defaultLimits, type RegistryLimits } from "./registry-limits.ts";
import { WatchStream, type WatchStreamOptions } from "./watch-stream.ts";

/** Where a registry listens, and what it is made of. */
export interface RegistryOptions {
  readonly host: string;
  /** 0 picks one. */
  readonly port: number;
  readonly http2: Http2Net;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits?: Partial<RegistryLimits>;
}

/** A registry that listens. */
export interface Registry {
  /** As "127.0.0.1:2379". */
  readonly endpoint: string;
  /** Ends every call; all that it held is gone. */
  close(): Promise<void>;
}

// As etcd: what is too large by no more than this is told so in etcd's words, the rest in gRPC's.
const overheadBytes = 512 * 1_024;

/** Starts a registry, empty. Rejects when it cannot listen. */
export async function startRegistry(options: RegistryOptions): Promise<Registry> {
  const { host, port, http2, clock, random } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const store = new KeyStore(limits);
  const leases = new Leases({ store, clock, random, limit: limits.leases });
  const watches = { store, clock, quota: createQuota(limits.watches) };
  const shutdown = new AbortController();
  let endpoint = "";
  const other = connectNodeAdapter({
    ...{ connect: false, grpcWeb: false, acceptCompression: [] },
    ...{ readMaxBytes: limits.requestBytes + overheadBytes, shutdownSignal: shutdown.signal },
    routes: (router) =>
      router
        .service(KV, keyService(store, leases, limits))
        .service(Lease, leaseService(store, leases))
        .service(Watch, watchService(watches))
        .service(
          Cluster,
          clusterService(store, () => endpoint),
        )
        .service(Maintenance, maintenanceService(store))
        .service(Auth, authService),
  });
  const at = { host, port, maxConnections: limits.connections, idleTimeoutMs: 0 };
  const listener = await http2.listen({ ...at, authorize: () => true, other });
  endpoint = `${host.includes(":") ? `[${host}]` : host}:${listener.port}`;
  return {
    endpoint,
    async close() {
      leases.stop();
      shutdown.abort(refusal("stopped"));
      await listener.close();
    },
  };
}

function watchService(options: WatchStreamOptions): ServiceImpl<typeof Watch> {
  return {
    watch(requests, { signal }) {
      const stream = new WatchStream(options);
      signal.addEventListener("abort", () => stream.breakOff(signal.reason), { once: true });
      void stream.hear(requests);
      return stream.say();
    },
  };
}
