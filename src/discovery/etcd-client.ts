import type { Etcd3, ICompare, IOptions, IRangeRequest, IRangeResponse, ITxnRequest, ITxnResponse, Watcher } from "etcd3";
import { type Clock, within } from "../clock/index.ts";
import { NanoError } from "../error/index.ts";
import type { EtcdOptions } from "./etcd.ts";

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
  /** Puts a value that stays, unless it is there. */
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

// etcd refuses pings more often than every 5 s.
const pingMs = 6_000;
const pingTimeoutMs = 3_000;

/**
 * The npm client `etcd3`, made up for: it has no deadlines by default, waits up to minutes to reconnect, opens a circuit breaker for 5 s,
 * and its lease and its watcher lose things without a word. Here its own retrying is off, and lease and list are ours to keep. Among several
 * hosts it would go on asking those that are down: here there is one client each, and a call that fails makes the next one ask the next.
 */
export async function createEtcdClient(options: EtcdOptions, clock: Clock): Promise<EtcdClient> {
  // Loaded when it is needed: it brings gRPC, and takes a while.
  const [{ Etcd3, EtcdLeaseInvalidError }, { noop, ConstantBackoff }] = await Promise.all([import("etcd3"), import("cockatiel")]);
  const timeoutMs = options.callTimeoutMs ?? 3_000;
  const deadline = (): Date => new Date(clock.wallNow() + timeoutMs);
  const clients = options.endpoints.map(
    (endpoint) =>
      new Etcd3({
        hosts: withScheme(endpoint, options),
        ...credentials(options),
        dialTimeout: timeoutMs,
        defaultCallOptions: ({ isStream }) => (isStream ? {} : { deadline: deadline() }),
        faultHandling: { global: noop, host: () => noop, watchBackoff: new ConstantBackoff(1_000).next() },
        grpcOptions: {
          "grpc.initial_reconnect_backoff_ms": 100,
          "grpc.max_reconnect_backoff_ms": 1_000,
          "grpc.keepalive_time_ms": pingMs,
          "grpc.keepalive_timeout_ms": pingTimeoutMs,
        },
      }),
  );
  let [client] = clients as [Etcd3];

  async function bounded<T>(what: string, call: (client: Etcd3) => PromiseLike<T>): Promise<T> {
    const used = client;
    const late = (): never => {
      throw new NanoError({ code: "deadline_exceeded", message: `etcd did not answer ${what} within ${timeoutMs} ms` });
    };
    try {
      return await within(clock, timeoutMs + 100, Promise.resolve(call(used)), late);
    } catch (reason) {
      if (client === used) client = clients[(clients.indexOf(used) + 1) % clients.length] ?? used;
      if (reason instanceof NanoError) throw reason;
      const { message } = NanoError.from(reason);
      throw new NanoError({ code: "unavailable", message: `etcd: ${what}: ${message}`, cause: reason });
    }
  }

  return {
    async grant(ttlSeconds) {
      const { ID } = await bounded("grant", ({ leaseClient }) =>
        leaseClient.leaseGrant({ TTL: ttlSeconds, ID: 0 }, { deadline: deadline() }),
      );
      return ID;
    },
    async keepAlive(lease) {
      const stream = await bounded("keep-alive", async ({ leaseClient }) => {
        const opened = await leaseClient.leaseKeepAlive({ deadline: deadline() });
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
      } catch (reason) {
        if (reason instanceof NanoError && reason.cause instanceof EtcdLeaseInvalidError) return false;
        throw reason;
      } finally {
        stream.end();
      }
    },
    async revoke(lease) {
      await bounded("revoke", ({ leaseClient }) => leaseClient.leaseRevoke({ ID: lease }, { deadline: deadline() }));
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
      const { succeeded } = await bounded("put", ({ kv }) => kv.txn(transaction, { deadline: deadline() }));
      return succeeded;
    },
    async putOnce(key, value) {
      await bounded("put", (etcd3) =>
        etcd3
          .if(key, "Create", "==", 0)
          .then(etcd3.put(key).value(Buffer.from(value)))
          .commit(),
      );
    },
    async get(key) {
      return (await bounded("get", (etcd3) => etcd3.get(key).buffer())) ?? undefined;
    },
    async commit(transaction) {
      try {
        return await bounded("a transaction", ({ kv }) => kv.txn(transaction, { deadline: deadline() }));
      } catch (reason) {
        if (!(reason instanceof NanoError) || !(reason.cause instanceof EtcdLeaseInvalidError)) throw reason;
        throw new NanoError({ code: "not_found", message: "the lease is over", cause: reason });
      }
    },
    range: (request) => bounded("a range", ({ kv }) => kv.range(request, { deadline: deadline() })),
    async list(prefix) {
      const response = await bounded("list", (etcd3) => etcd3.getAll().prefix(prefix).exec());
      return {
        entries: response.kvs.map(({ key, value }) => ({ key: key.toString(), value: value.toString() })),
        revision: BigInt(response.header.revision),
      };
    },
    watch(prefix, after, events) {
      const watcher: Watcher = client
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
      for (const each of clients) each.close();
    },
  };
}

function withScheme(endpoint: string, options: EtcdOptions): string {
  return /^https?:\/\//.test(endpoint) ? endpoint : `${options.tls ? "https" : "http"}://${endpoint}`;
}

function credentials({ tls, username, password }: EtcdOptions): Pick<IOptions, "credentials" | "auth"> {
  return {
    ...(tls
      ? {
          credentials: {
            rootCertificate: Buffer.from(tls.ca),
            ...(tls.key === undefined ? {} : { privateKey: Buffer.from(tls.key) }),
            ...(tls.cert === undefined ? {} : { certChain: Buffer.from(tls.cert) }),
          },
        }
      : {}),
    ...(username === undefined ? {} : { auth: { username, password: password ?? "" } }),
  };
}
