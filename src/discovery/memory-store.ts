import { NanoError } from "../error/index.ts";
import { mustBeBatch, type Store } from "./store.ts";

interface Held {
  readonly value: string;
  readonly lease: string | undefined;
}

interface Lease {
  readonly ttlMs: number;
  endsAtMs: number;
  readonly keys: Set<string>;
}

/** A store for the servers of one process. Its leases end when somebody looks. */
export function createMemoryStore(): (now: () => number) => Store {
  const held = new Map<string, Held>();
  const leases = new Map<string, Lease>();
  let names = 0;

  function end(name: string): void {
    for (const key of leases.get(name)?.keys ?? []) held.delete(key);
    leases.delete(name);
  }

  function look(nowMs: number): void {
    for (const [name, { endsAtMs }] of leases) if (endsAtMs <= nowMs) end(name);
  }

  function set(key: string, next: Held | undefined): void {
    const before = held.get(key)?.lease;
    if (before !== undefined) leases.get(before)?.keys.delete(key);
    if (!next) return void held.delete(key);
    held.set(key, next);
    if (next.lease !== undefined) leases.get(next.lease)?.keys.add(key);
  }

  function under(prefix: string): string[] {
    return [...held.keys()]
      .filter((key) => key.startsWith(prefix))
      .sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
  }

  return (now) => ({
    async write(writes) {
      look(now());
      mustBeBatch(writes.map(({ key }) => key));
      for (const { lease } of writes) {
        if (lease !== undefined && !leases.has(lease)) throw new NanoError({ code: "not_found", message: "the lease is over" });
      }
      const written = writes.map(({ key, where }) => ({
        done: where === undefined || held.get(where.key)?.value === where.value,
        before: held.get(key)?.value,
      }));
      for (const [at, { key, value, lease }] of writes.entries()) {
        if (written[at]?.done) set(key, value === undefined ? undefined : { value, lease });
      }
      return written;
    },
    async read(keys) {
      look(now());
      mustBeBatch(keys);
      return keys.map((key) => held.get(key)?.value);
    },
    async list(prefix, { after, limit = 1_000 } = {}) {
      look(now());
      const keys = under(prefix);
      const from = after === undefined ? 0 : keys.findIndex((key) => Buffer.compare(Buffer.from(key), Buffer.from(after)) > 0);
      if (from < 0) return [];
      return keys.slice(from, from + limit).map((key) => ({ key, value: held.get(key)?.value ?? "" }));
    },
    async count(prefix) {
      look(now());
      return under(prefix).length;
    },
    async lease(ttlMs) {
      const name = `${++names}`;
      const whole = Math.ceil(ttlMs / 1_000) * 1_000;
      leases.set(name, { ttlMs: whole, endsAtMs: now() + whole, keys: new Set() });
      return name;
    },
    async renew(name) {
      look(now());
      const lease = leases.get(name);
      if (!lease) return false;
      lease.endsAtMs = now() + lease.ttlMs;
      return true;
    },
    async revoke(name) {
      end(name);
    },
  });
}
