import type { VirtualClock } from "../../src/clock/index.ts";
import type { EtcdClient, EtcdEntry, EtcdWatchEvents } from "../../src/discovery/etcd-client.ts";
import { NanoError } from "../../src/error/index.ts";

interface Held {
  readonly value: string;
  readonly lease: string;
  readonly revision: bigint;
}

/** An etcd in memory, on a virtual clock, that does what a test wants of it. */
export class FakeEtcd {
  /** "away": it refuses; "silent": a call is over after its time. */
  state: "there" | "away" | "silent" = "there";
  /** How long each answer takes, from when it was made. */
  latencyMs = 0;
  /** Watches stay open and hear nothing. */
  deaf = false;
  /** Every call, answered or not, as "list". */
  readonly calls: string[] = [];
  /** When each is over. */
  readonly leases = new Map<string, number>();
  readonly keys = new Map<string, Held>();
  readonly #clock: VirtualClock;
  readonly #watches = new Set<{ readonly prefix: string; readonly events: EtcdWatchEvents }>();
  #revision = 0n;
  #names = 0;
  #ttlMs = 0;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  client(callTimeoutMs: number): EtcdClient {
    const call = async <T>(what: string, run: () => T): Promise<T> => {
      this.calls.push(what);
      this.#endLeases();
      if (this.state === "silent") {
        await new Promise<void>((resolve) => void this.#clock.after(callTimeoutMs, resolve));
        throw new NanoError({ code: "deadline_exceeded", message: "etcd did not answer" });
      }
      if (this.state === "away") throw new NanoError({ code: "unavailable", message: "etcd is away" });
      const answer = run();
      if (this.latencyMs > 0) await new Promise<void>((resolve) => void this.#clock.after(this.latencyMs, resolve));
      return answer;
    };
    const unused = (): never => {
      throw new Error("not part of this");
    };
    return {
      grant: (ttlSeconds) =>
        call("grant", () => {
          this.#ttlMs = ttlSeconds * 1_000;
          this.leases.set(`${++this.#names}`, this.#clock.now() + this.#ttlMs);
          return `${this.#names}`;
        }),
      keepAlive: (lease) =>
        call("keepAlive", () => {
          if (!this.leases.has(lease)) return false;
          this.leases.set(lease, this.#clock.now() + this.#ttlMs);
          return true;
        }),
      revoke: (lease) => call("revoke", () => this.revoke(lease)),
      put: ({ entries, lease, deleted = [] }, condition) =>
        call("put", () => {
          const holds = [...entries.map(({ key }) => key), ...deleted].every((key) => {
            const held = this.keys.get(key);
            return condition === "under the lease" ? held?.lease === lease : (held?.revision ?? 0n) <= condition.unchangedSince;
          });
          if (!holds) return false;
          for (const { key, value } of entries) this.put(key, value, lease);
          for (const key of deleted) this.delete(key);
          return true;
        }),
      list: (prefix) => call("list", () => ({ entries: this.#under(prefix), revision: this.#revision })),
      watch: (prefix, _after, events) => {
        const watch = { prefix, events };
        this.calls.push("watch");
        this.#watches.add(watch);
        return { stop: () => void this.#watches.delete(watch) };
      },
      putOnce: () => call("putOnce", () => {}),
      get: () => call("get", () => undefined),
      commit: unused,
      range: unused,
      close: () => {},
    };
  }

  put(key: string, value: string, lease = "0"): void {
    this.keys.set(key, { value, lease, revision: ++this.#revision });
    this.#tell(key, (events) => events.put({ key, value }));
  }

  delete(key: string): void {
    if (!this.keys.delete(key)) return;
    this.#revision++;
    this.#tell(key, (events) => events.deleted(key));
  }

  revoke(lease: string): void {
    this.leases.delete(lease);
    for (const [key, held] of this.keys) if (held.lease === lease) this.delete(key);
  }

  /** As started anew with an empty folder. */
  empty(): void {
    this.keys.clear();
    this.leases.clear();
    this.#revision = 0n;
  }

  /** All watches break. */
  break(): void {
    const watches = [...this.#watches];
    this.#watches.clear();
    for (const { events } of watches) events.broken("broken");
  }

  #under(prefix: string): EtcdEntry[] {
    return [...this.keys].filter(([key]) => key.startsWith(prefix)).map(([key, { value }]) => ({ key, value }));
  }

  #endLeases(): void {
    for (const [lease, endsAtMs] of this.leases) if (endsAtMs <= this.#clock.now()) this.revoke(lease);
  }

  #tell(key: string, tell: (events: EtcdWatchEvents) => void): void {
    if (this.deaf) return;
    for (const { prefix, events } of this.#watches) if (key.startsWith(prefix)) tell(events);
  }
}
