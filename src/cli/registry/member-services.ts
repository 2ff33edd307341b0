import type { ServiceImpl } from "@connectrpc/connect";
import type { Auth, Cluster, Maintenance } from "../../../gen/etcd/api/etcdserverpb/rpc_pb.ts";
import { refusal } from "./etcd-refusal.ts";
import type { KeyStore } from "./key-store.ts";
import { memberId, responseHeader } from "./response-header.ts";

// Clients read the two numbers before the second dot.
const version = "3.5.0-nano-registry";

/**
 * etcd's Cluster: one member.
 *
 * @param endpoint Where clients find it; known when it listens. No URL: etcdctl takes one for a name, which Node's HTTP/2 does not let pass.
 */
export function clusterService(store: KeyStore, endpoint: () => string): Pick<ServiceImpl<typeof Cluster>, "memberList"> {
  return {
    memberList() {
      const member = { ID: memberId, name: "nano-registry", clientURLs: [endpoint()] };
      return { header: responseHeader(store.revision), members: [member] };
    },
  };
}

/** etcd's Maintenance, as far as it is asked whether all is well. */
export function maintenanceService(store: KeyStore): Pick<ServiceImpl<typeof Maintenance>, "alarm" | "status"> {
  return {
    alarm: () => ({ header: responseHeader(store.revision) }),
    status() {
      const header = responseHeader(store.revision);
      const size = BigInt(store.bytes);
      return {
        ...{ header, version, dbSize: size, dbSizeInUse: size, leader: memberId },
        ...{ raftTerm: header.raftTerm, raftIndex: store.revision, raftAppliedIndex: store.revision },
      };
    },
  };
}

/** etcd's Auth, without users: whoever logs in is told so, and goes on without. */
export const authService: Pick<ServiceImpl<typeof Auth>, "authenticate"> = {
  authenticate() {
    throw refusal("noUsers");
  },
};
