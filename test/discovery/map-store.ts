import { NanoError, type Store, type StoreWrite, type StoreWritten } from "nano-rpc";

/** What a database would keep. */
export interface Table {
  readonly rows: Map<string, { readonly value: string; readonly lease: string | undefined }>;
  readonly leases: Map<string, { readonly ttlMs: number; endsAtMs: number }>;
}

/** A store over a table that all servers share. `nowMs` is the table's clock. */
export function mapStore({ rows, leases }: Table, nowMs: () => number): Store {
  const bytes = (key: string): Buffer => Buffer.from(key);
  const end = (lease: string): void => {
    leases.delete(lease);
    for (const [key, row] of rows) if (row.lease === lease) rows.delete(key);
  };
  const look = (): void => {
    for (const [lease, { endsAtMs }] of leases) if (endsAtMs <= nowMs()) end(lease);
  };
  const under = (prefix: string): string[] => {
    look();
    return [...rows.keys()].filter((key) => key.startsWith(prefix)).sort((a, b) => Buffer.compare(bytes(a), bytes(b)));
  };
  const bounded = (keys: readonly string[]): void => {
    if (keys.length > 100) throw new RangeError(`${keys.length} keys at once`);
    if (new Set(keys).size < keys.length) throw new TypeError("one key twice in one step");
  };
  return {
    async write(writes) {
      look();
      bounded(writes.map(({ key }) => key));
      if (writes.some(({ lease }) => lease !== undefined && !leases.has(lease))) {
        throw new NanoError({ code: "not_found", message: "the lease is over" });
      }
      // First all conditions, then all writes.
      const written = writes.map(
        ({ key, where }: StoreWrite): StoreWritten => ({
          done: !where || rows.get(where.key)?.value === where.value,
          before: rows.get(key)?.value,
        }),
      );
      for (const [at, { key, value, lease }] of writes.entries()) {
        if (!written[at]?.done) continue;
        if (value === undefined) rows.delete(key);
        else rows.set(key, { value, lease });
      }
      return written;
    },
    async read(keys) {
      look();
      bounded(keys);
      return keys.map((key) => rows.get(key)?.value);
    },
    async list(prefix, { after, limit = 1_000 } = {}) {
      const keys = under(prefix).filter((key) => after === undefined || Buffer.compare(bytes(key), bytes(after)) > 0);
      return keys.slice(0, limit).map((key) => ({ key, value: rows.get(key)?.value ?? "" }));
    },
    count: async (prefix) => under(prefix).length,
    async lease(ttlMs) {
      const lease = crypto.randomUUID();
      leases.set(lease, { ttlMs, endsAtMs: nowMs() + ttlMs });
      return lease;
    },
    async renew(name) {
      look();
      const lease = leases.get(name);
      if (!lease) return false;
      lease.endsAtMs = nowMs() + lease.ttlMs;
      return true;
    },
    revoke: async (lease) => end(lease),
  };
}
