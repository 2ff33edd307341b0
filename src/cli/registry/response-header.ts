import { create } from "@bufbuild/protobuf";
import { type ResponseHeader, ResponseHeaderSchema } from "../../../gen/etcd/api/etcdserverpb/rpc_pb.ts";

// Of a cluster of one, which has been elected at once.
const clusterId = 0x6e61_6e6fn;
const raftTerm = 2n;

/** The registry, as a member of a cluster. */
export const memberId = 1n;

/** What every answer begins with. */
export function responseHeader(revision: bigint): ResponseHeader {
  return create(ResponseHeaderSchema, { clusterId, memberId, raftTerm, revision });
}
