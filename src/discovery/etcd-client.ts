import type { Etcd3, ICompare, IRangeRequest, IRangeResponse, ITxnRequest, ITxnResponse, Watcher } from "etcd3";
import { type Clock, within } from "../clock/index.ts";
import { NanoError } from "../error/index.ts";
import { type EtcdConnection, EtcdEndpoint } from "./etcd-endpoint.ts";
import { etcdError } from "./etcd-error.ts";

/** One key with its value. */
export interface EtcdEntry {
  readonly key: string;
  readonly value: string;
}

/** What one transaction does. */
export interface EtcdChange {
  readonly entries: readonly EtcdEntry[];
  readonly lease: string;
  readonly deleted?: readonly string[];
}

/** When it may: every key that it touches is as it was at a revision, or is still under the lease. */
export type EtcdCondition = { readonly unchangedSince: bigint } | "under the lease";

/** What discovery needs of etcd: every call is bounded, and fails with a NanoError. */
export interface EtcdClient {
  /** A lease that nothing keeps alive by itself. Gives its id. */
  grant(ttlSeconds: number): Promise<string>;
  /** False when etcd does not know the lease any more. */
  keepAlive(lease: string): Promise<boolean>;
  revoke(lease: string): Promise<void>;
  /** Puts records under a lease, and takes others away, in one transaction; false where the condition does not hold, and then nothing is done. */
  put(change: EtcdChange, condition: EtcdCondition): Promise<boolean>;
  /** Puts a value that stays, unless it is there: what else somebody has put there does not keep it out. */
  putOnce(key: string, value: Uint8Array): Promise<void>;
  get(key: string): Promise<Uint8Array | undefined>;
  /** A transaction. Fails with `not_found`, and does nothing, where a lease that it names is over. */
  commit(transaction: ITxnRequest): Promise<ITxnResponse>;
  range(request: IRangeRequest): Promise<IRangeResponse>;
  /** Everything under a prefix, and the revision that this was. */
  list(prefix: string): Promise<{ readonly entries: readonly EtcdEntry[]; readonly revision: bigint }>;
  /** Hears what changes under a prefix after a revision, until `stop`, or until `broken`: then nothing more comes. */
  watch(prefix: string, after: bigint, events: EtcdWatchEvents): { stop(): void };
  close(): void;
}

/** What a watch hears. */
export interface EtcdWatchEvents {
  put(entry: EtcdEntry): void;
  deleted(key: string): void;
  /** Whatever the reason, changes may have been missed: list again. */
  broken(why: string): void;
}

/**
 * The npm client `etcd3`, made up for: it has no deadlines by default, waits up to minutes to reconnect, opens a circuit breaker for 5 s,
 * and its lease and its watcher lose things without a word. Here its own retrying is off, and lease and list are ours to keep. Among several
 * hosts it would go on asking those that are down: here there is one client each, and a call that fails makes the next one ask the next.
 */
export async function createEtcdClient(options: EtcdConnection, clock: Clock): Promise<EtcdClient> {
  // Loaded when it is needed: it brings gRPC, and takes a while.
  const [{ Etcd3 }, { noop, ConstantBackoff }] = await Promise.all([import("etcd3"), import("cockatiel")]);
  const library = { Etcd3, noop, watchBackoff: new ConstantBackoff(1_000).next() };
  const { callTimeoutMs } = options;
  const endpoints = options.endpoints.map((address) => new EtcdEndpoint(library, address, options, clock));
  let [endpoint] = endpoints as [EtcdEndpoint];

  async function bounded<T>(what: string, call: (client: Etcd3) => PromiseLike<T>): Promise<T> {
    const used = endpoint;
    const { client } = used;
    const late = (): never => {
      throw new NanoError({ code: "deadline_exceeded", message: `etcd did not answer ${what} within ${callTimeoutMs} ms` });
    };
    try {
      return await within(clock, callTimeoutMs + 100, used.call(call), late);
    } catch (reason) {
      const error = etcdError(what, reason);
      if (error.code === "deadline_exceeded") used.replace(client);
      if (endpoint === used) endpoint = endpoints[(endpoints.indexOf(used) + 1) % endpoints.length] ?? used;
      throw error;
    }
  }

  return {
    async grant(ttlSeconds) {
      const { ID } = await bounded("grant", ({ leaseClient }) =>
        leaseClient.leaseGrant({ TTL: ttlSeconds, ID: 0 }, { deadline: endpoint.deadline() }),
      );
      return ID;
    },
    async keepAlive(lease) {
      const stream = await bounded("keep-alive", async ({ leaseClient }) => {
        const opened = await leaseClient.leaseKeepAlive({ deadline: endpoint.deadline() });
        // One that opens too late is nobody's, and an error of it would end the process.
        opened.on("error", () => {});
        return opened;
      });
      const answer = new Promise<string>((resolve, reject) => {
        stream.on("data", (response: { readonly TTL: string }) => resolve(response.TTL));
        stream.on("error", reject);
        stream.on("end", () => reject(new Error("the stream ended")));
      });
      stream.write({ ID: lease });
      try {
        return Number(await bounded("keep-alive", () => answer)) > 0;
      } finally {
        stream.end();
      }
    },
    async revoke(lease) {
      await bounded("revoke", ({ leaseClient }) => leaseClient.leaseRevoke({ ID: lease }, { deadline: endpoint.deadline() }));
    },
    async put({ entries, lease, deleted = [] }, condition) {
      const puts = entries.map(({ key, value }) => ({
        request_put: { key: Buffer.from(key), value: Buffer.from(value), lease },
      }));
      const deletes = deleted.map((key) => ({ request_delete_range: { key: Buffer.from(key) } }));
      const compare = [...entries.map(({ key }) => key), ...deleted].map((text): ICompare => {
        const key = Buffer.from(text);
        if (condition === "under the lease") return { key, target: "Lease", result: "Equal", lease };
        return { key, target: "Mod", result: "Less", mod_revision: String(condition.unchangedSince + 1n) };
      });
      const transaction = { compare, success: [...puts, ...deletes], failure: [] };
      const { succeeded } = await bounded("put", ({ kv }) => kv.txn(transaction, { deadline: endpoint.deadline() }));
      return succeeded;
    },
    async putOnce(key, value) {
      await bounded("put", (etcd3) =>
        etcd3
          .if(key, "Value", "==", Buffer.from(value))
          .then()
          .else(etcd3.put(key).value(Buffer.from(value)))
          .commit(),
      );
    },
    async get(key) {
      return (await bounded("get", (etcd3) => etcd3.get(key).buffer())) ?? undefined;
    },
    commit: (transaction) => bounded("a transaction", ({ kv }) => kv.txn(transaction, { deadline: endpoint.deadline() })),
    range: (request) => bounded("a range", ({ kv }) => kv.range(request, { deadline: endpoint.deadline() })),
    async list(prefix) {
      const response = await bounded("list", (etcd3) => etcd3.getAll().prefix(prefix).exec());
      return {
        entries: response.kvs.map(({ key, value }) => ({ key: key.toString(), value: value.toString() })),
        revision: BigInt(response.header.revision),
      };
    },
    watch(prefix, after, events) {
      const watcher: Watcher = endpoint.client
        .watch()
        .prefix(prefix)
        .startRevision(String(after + 1n))
        .watcher();
      let stopped = false;
      const stop = (): void => {
        if (stopped) return;
        stopped = true;
        // Its stream may be gone already; there is nothing more to do then.
        watcher.cancel().catch(() => {});
      };
      const broken = (why: string): void => {
        if (stopped) return;
        stop();
        events.broken(why);
      };
      watcher.on("put", ({ key, value }) => {
        if (!stopped) events.put({ key: key.toString(), value: value.toString() });
      });
      watcher.on("delete", ({ key }) => {
        if (!stopped) events.deleted(key.toString());
      });
      // Without a listener an error event would end the process.
      watcher.on("error", (error) => broken(error.message || "the watch was cancelled"));
      watcher.on("disconnected", () => broken("disconnected"));
      return { stop };
    },
    close() {
      for (const each of endpoints) each.close();
    },
  };
}
