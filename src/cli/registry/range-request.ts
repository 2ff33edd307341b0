import { create } from "@bufbuild/protobuf";
import { type RangeRequest, RangeRequest_SortOrder, RangeRequest_SortTarget } from "../../../gen/etcd/api/etcdserverpb/rpc_pb.ts";
import { type KeyValue, KeyValueSchema } from "../../../gen/etcd/api/mvccpb/kv_pb.ts";
import { keyRange, keyText } from "./key-range.ts";
import type { View } from "./key-store.ts";

/** What a range request finds. */
interface Found {
  readonly kvs: KeyValue[];
  readonly count: bigint;
  readonly more: boolean;
}

/** Reads what a range request asks for. */
export function readRange(view: View, request: RangeRequest): Found {
  const found = view.find(keyRange(request.key, request.rangeEnd), request.revision);
  const count = BigInt(found.length);
  if (request.countOnly) return { kvs: [], count, more: false };
  const kvs = sorted(found.filter(fits(request)), request);
  const more = request.limit > 0n && BigInt(kvs.length) > request.limit;
  const page = more ? kvs.slice(0, Number(request.limit)) : kvs;
  return { kvs: request.keysOnly ? page.map(withoutValue) : [...page], count, more };
}

function fits(request: RangeRequest): (kv: KeyValue) => boolean {
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = request;
  const within = (revision: bigint, least: bigint, most: bigint): boolean =>
    (least === 0n || revision >= least) && (most === 0n || revision <= most);
  return ({ modRevision, createRevision }) =>
    within(modRevision, minModRevision, maxModRevision) && within(createRevision, minCreateRevision, maxCreateRevision);
}

function sorted(kvs: readonly KeyValue[], { sortOrder, sortTarget }: RangeRequest): readonly KeyValue[] {
  if (sortTarget === RangeRequest_SortTarget.KEY && sortOrder !== RangeRequest_SortOrder.DESCEND) return kvs;
  const place = places.get(sortTarget);
  if (!place) return kvs;
  const sign = sortOrder === RangeRequest_SortOrder.DESCEND ? -1 : 1;
  const placed = kvs.map((kv) => ({ kv, at: place(kv) }));
  placed.sort((one, other) => (one.at < other.at ? -sign : one.at > other.at ? sign : 0));
  return placed.map(({ kv }) => kv);
}

const places = new Map<RangeRequest_SortTarget, (kv: KeyValue) => bigint | string>([
  [RangeRequest_SortTarget.KEY, ({ key }) => keyText(key)],
  [RangeRequest_SortTarget.VERSION, ({ version }) => version],
  [RangeRequest_SortTarget.CREATE, ({ createRevision }) => createRevision],
  [RangeRequest_SortTarget.MOD, ({ modRevision }) => modRevision],
  [RangeRequest_SortTarget.VALUE, ({ value }) => keyText(value)],
]);

function withoutValue(kv: KeyValue): KeyValue {
  return create(KeyValueSchema, { ...kv, value: new Uint8Array() });
}
