import { type Compare, Compare_CompareResult, Compare_CompareTarget } from "../../../gen/etcd/api/etcdserverpb/rpc_pb.ts";
import type { KeyValue } from "../../../gen/etcd/api/mvccpb/kv_pb.ts";
import { keyRange, keyText } from "./key-range.ts";
import type { View } from "./key-store.ts";

/** Whether a comparison holds of every key in its range. Where there is none, all numbers are 0, and no value compares. */
export function holds(view: View, compare: Compare): boolean {
  const found = view.find(keyRange(compare.key, compare.rangeEnd));
  if (found.length > 0) return found.every((kv) => compares(compare, kv));
  return compare.target !== Compare_CompareTarget.VALUE && compares(compare, undefined);
}

function compares({ target, targetUnion, result }: Compare, kv: KeyValue | undefined): boolean {
  const order = orderOf(target, targetUnion, kv);
  switch (result) {
    case Compare_CompareResult.EQUAL:
      return order === 0;
    case Compare_CompareResult.NOT_EQUAL:
      return order !== 0;
    case Compare_CompareResult.GREATER:
      return order > 0;
    case Compare_CompareResult.LESS:
      return order < 0;
    default:
      return true;
  }
}

function orderOf(target: Compare_CompareTarget, to: Compare["targetUnion"], kv: KeyValue | undefined): number {
  switch (target) {
    case Compare_CompareTarget.VALUE:
      return orderBy(keyText(kv?.value ?? nothing), keyText(to.case === "value" ? to.value : nothing));
    case Compare_CompareTarget.VERSION:
      return orderBy(kv?.version ?? 0n, to.case === "version" ? to.value : 0n);
    case Compare_CompareTarget.CREATE:
      return orderBy(kv?.createRevision ?? 0n, to.case === "createRevision" ? to.value : 0n);
    case Compare_CompareTarget.MOD:
      return orderBy(kv?.modRevision ?? 0n, to.case === "modRevision" ? to.value : 0n);
    case Compare_CompareTarget.LEASE:
      return orderBy(kv?.lease ?? 0n, to.case === "lease" ? to.value : 0n);
    default:
      return 0;
  }
}

const nothing = new Uint8Array();

function orderBy<T extends bigint | string>(one: T, other: T): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
