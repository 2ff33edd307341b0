import type { ServiceImpl } from "@connectrpc/connect";
import type { Lease } from "../../../gen/etcd/api/etcdserverpb/rpc_pb.ts";
import { keyBytes } from "./key-range.ts";
import type { KeyStore } from "./key-store.ts";
import type { Leases } from "./leases.ts";
import { responseHeader } from "./response-header.ts";
import { untilAborted } from "./until-aborted.ts";

/** etcd's Lease. */
export function leaseService(store: KeyStore, leases: Leases): ServiceImpl<typeof Lease> {
  const header = (): ReturnType<typeof responseHeader> => responseHeader(store.revision);
  return {
    leaseGrant(request) {
      const { id, ttl } = leases.grant(request.ID, request.TTL);
      return { header: header(), ID: id, TTL: ttl };
    },
    leaseRevoke({ ID }) {
      leases.revoke(ID);
      return { header: header() };
    },
    async *leaseKeepAlive(requests, { signal }) {
      for await (const { ID } of untilAborted(requests, signal)) yield { header: header(), ID, TTL: leases.renew(ID) };
    },
    leaseTimeToLive({ ID, keys }) {
      const lease = leases.left(ID);
      if (!lease) return { header: header(), ID, TTL: -1n };
      return {
        ...{ header: header(), ID, TTL: lease.left, grantedTTL: lease.granted },
        keys: keys ? store.keysUnder(ID).map(keyBytes) : [],
      };
    },
    leaseLeases() {
      return { header: header(), leases: leases.list().map((ID) => ({ ID })) };
    },
  };
}
