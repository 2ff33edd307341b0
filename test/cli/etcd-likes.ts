import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { Auth, Cluster, KV, Lease, Maintenance, Watch } from "../../gen/etcd/api/etcdserverpb/rpc_pb.ts";
import { startRegistry } from "../../src/cli/registry/registry.ts";
import type { RegistryLimits } from "../../src/cli/registry/registry-limits.ts";
import { type Clock, systemClock, systemRandom } from "../../src/clock/index.ts";
import { systemNet } from "../../src/net/index.ts";
import { startEtcd } from "../support/etcd.ts";

/** What answers as etcd does, and clients of all its services. */
export interface EtcdLike {
  readonly endpoint: string;
  readonly kv: Client<typeof KV>;
  readonly lease: Client<typeof Lease>;
  readonly watch: Client<typeof Watch>;
  readonly cluster: Client<typeof Cluster>;
  readonly maintenance: Client<typeof Maintenance>;
  readonly auth: Client<typeof Auth>;
  /** Ends it; its clients are left alone. */
  close(): Promise<void>;
  /** Ends its clients, and it. */
  stop(): Promise<void>;
}

/** A registry in this process. */
export async function startRegistryLike(limits: Partial<RegistryLimits> = {}, clock: Clock = systemClock): Promise<EtcdLike> {
  const { http2 } = systemNet;
  if (!http2) throw new Error("no HTTP/2");
  const registry = await startRegistry({ host: "127.0.0.1", port: 0, http2, clock, random: systemRandom, limits });
  return like(registry.endpoint, () => registry.close());
}

/** Both: what holds of the one holds of the other. */
export const etcdLikes: readonly (readonly [string, () => Promise<EtcdLike>])[] = [
  ["the registry", () => startRegistryLike()],
  [
    "etcd",
    async () => {
      const etcd = await startEtcd();
      return like(etcd.endpoint, () => etcd.stop());
    },
  ],
];

function like(endpoint: string, end: () => Promise<void>): EtcdLike {
  let ended: Promise<void> | undefined;
  const close = (): Promise<void> => {
    ended ??= end();
    return ended;
  };
  const baseUrl = `http://${endpoint}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  const transport = createGrpcTransport({ baseUrl, sessionManager });
  return {
    endpoint,
    kv: createClient(KV, transport),
    lease: createClient(Lease, transport),
    watch: createClient(Watch, transport),
    cluster: createClient(Cluster, transport),
    maintenance: createClient(Maintenance, transport),
    auth: createClient(Auth, transport),
    close,
    async stop() {
      // The client of Connect does not reset a stream that was answered before all was sent.
      sessionManager.abort();
      await close();
    },
  };
}
