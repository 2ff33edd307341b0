import type { ICompare, IRequestOp, IResponseOp } from "etcd3";
import type { EtcdClient } from "./etcd-client.ts";
import { mustBeBatch, type Store, type StoreWrite, type StoreWritten } from "./store.ts";

/** A store under a prefix of etcd. Each write is a transaction within one, so that each has its own condition. */
export function createEtcdStore(client: EtcdClient, prefix: string): Store {
  const bytes = (key: string): Buffer => Buffer.from(`${prefix}/${key}`);

  function request({ key, value, lease, where }: StoreWrite): IRequestOp {
    const put = { key: bytes(key), value: Buffer.from(value ?? ""), lease: lease ?? 0, prev_kv: true };
    const write: IRequestOp =
      value === undefined ? { request_delete_range: { key: bytes(key), prev_kv: true } } : { request_put: put };
    if (!where) return write;
    const compare: ICompare =
      where.value === undefined
        ? { key: bytes(where.key), target: "Create", result: "Equal", create_revision: 0 }
        : { key: bytes(where.key), target: "Value", result: "Equal", value: Buffer.from(where.value) };
    return { request_txn: { compare: [compare], success: [write], failure: [{ request_range: { key: bytes(key) } }] } };
  }

  return {
    async write(writes) {
      mustBeBatch(writes.map(({ key }) => key));
      if (writes.length === 0) return [];
      const { responses } = await client.commit({ compare: [], success: writes.map(request), failure: [] });
      return responses.map((response) => {
        const { response_txn: own }: Partial<IResponseOp> = response;
        return own ? { ...written(own.responses[0]), done: own.succeeded } : written(response);
      });
    },
    async read(keys) {
      mustBeBatch(keys);
      if (keys.length === 0) return [];
      const success = keys.map((key) => ({ request_range: { key: bytes(key) } }));
      const { responses } = await client.commit({ compare: [], success, failure: [] });
      return responses.map(({ response_range: range }) => range?.kvs[0]?.value.toString());
    },
    async list(keys, { after, limit = 1_000 } = {}) {
      // A zero byte more is the very next key.
      const from = after === undefined ? bytes(keys) : Buffer.concat([bytes(after), Buffer.alloc(1)]);
      const { kvs } = await client.range({ key: from, range_end: behind(bytes(keys)), limit });
      return kvs.map(({ key, value }) => ({ key: key.toString().slice(prefix.length + 1), value: value.toString() }));
    },
    async count(keys) {
      const { count } = await client.range({ key: bytes(keys), range_end: behind(bytes(keys)), count_only: true });
      return Number(count);
    },
    lease: (ttlMs) => client.grant(Math.ceil(ttlMs / 1_000)),
    renew: (lease) => client.keepAlive(lease),
    revoke: (lease) => client.revoke(lease),
  };
}

function written(response: Partial<IResponseOp> = {}): StoreWritten {
  const { response_put: put, response_delete_range: gone, response_range: range } = response;
  const before = put?.prev_kv ?? gone?.prev_kvs[0] ?? range?.kvs[0];
  return { done: true, before: before?.value.toString() };
}

/** The first key behind all with a prefix: keys are UTF-8, so no byte of them is the last one. */
function behind(prefix: Buffer): Buffer {
  const end = Buffer.from(prefix);
  end.writeUInt8(end.readUInt8(end.length - 1) + 1, end.length - 1);
  return end;
}
