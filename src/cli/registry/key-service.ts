import { type DescMessage, type MessageShape, toBinary } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { type KV, PutRequestSchema, TxnRequestSchema } from "../../../gen/etcd/api/etcdserverpb/rpc_pb.ts";
import { checkKey, checkPut, checkTransaction } from "./check-request.ts";
import { refusal } from "./etcd-refusal.ts";
import type { KeyStore } from "./key-store.ts";
import type { Leases } from "./leases.ts";
import { readRange } from "./range-request.ts";
import type { RegistryLimits } from "./registry-limits.ts";
import { responseHeader } from "./response-header.ts";
import { checkKept, checkLease, checkPlan, deleteRange, planTransaction, put, runPlan } from "./transaction.ts";

/** etcd's KV. */
export function keyService(store: KeyStore, leases: Leases, limits: RegistryLimits): ServiceImpl<typeof KV> {
  const header = (): ReturnType<typeof responseHeader> => responseHeader(store.revision);

  function checkSize<D extends DescMessage>(schema: D, request: MessageShape<D>): void {
    const bytes = toBinary(schema, request).length;
    if (bytes > limits.requestBytes) throw refusal("tooLarge");
    if (store.bytes + bytes > limits.dataBytes) throw refusal("noSpace");
  }

  return {
    range(request) {
      checkKey(request);
      return { ...readRange(store, request), header: header() };
    },
    put(request) {
      checkPut(request);
      checkSize(PutRequestSchema, request);
      // In this order, which in transactions is the other way round.
      checkLease(leases, request);
      checkKept(store, request);
      const done = store.write((writer) => put(writer, request));
      return { ...done, header: header() };
    },
    deleteRange(request) {
      checkKey(request);
      const done = store.write((writer) => deleteRange(writer, request));
      return { ...done, header: header() };
    },
    txn(request) {
      checkTransaction(request, limits);
      checkSize(TxnRequestSchema, request);
      const plan = planTransaction(store, request);
      checkPlan(store, leases, plan);
      const done = store.write((writer) => runPlan(writer, plan));
      return { ...done, header: header() };
    },
    compact({ revision }) {
      store.compact(revision);
      return { header: header() };
    },
  };
}
