import { type Clock, createDeadlineSweep, type DeadlineSweep, type Due, type Random } from "../../clock/index.ts";
import { refusal } from "./etcd-refusal.ts";
import { keyBytes, keyRange } from "./key-range.ts";
import type { KeyStore } from "./key-store.ts";

/** What leases are made of. */
export interface LeasesOptions {
  readonly store: KeyStore;
  readonly clock: Clock;
  readonly random: Random;
  /** How many there may be. */
  readonly limit: number;
}

interface Lease extends Due {
  deadlineMs: number;
  readonly id: bigint;
  /** In seconds. */
  readonly ttl: bigint;
}

// As etcd has them: the least follows from how long an election takes there.
const leastTtl = 2n;
const longestTtl = 9_000_000_000n;
const one = new Uint8Array();

/** Leases, and the end of the keys that are under them. */
export class Leases {
  readonly #options: LeasesOptions;
  readonly #leases = new Map<bigint, Lease>();
  readonly #deadlines: DeadlineSweep;

  constructor(options: LeasesOptions) {
    this.#options = options;
    this.#deadlines = createDeadlineSweep(options.clock, 100);
  }

  has(id: bigint): boolean {
    return this.#leases.has(id);
  }

  /** Gives the lease's id and how long it lasts, in seconds. @param id 0 picks one. */
  grant(id: bigint, ttl: bigint): { readonly id: bigint; readonly ttl: bigint } {
    if (ttl > longestTtl) throw refusal("leaseTooLong");
    if (this.has(id)) throw refusal("leaseExists");
    if (this.#leases.size >= this.#options.limit) throw refusal("tooManyRequests");
    const lease: Lease = {
      id: id === 0n ? this.#newId() : id,
      ttl: ttl < leastTtl ? leastTtl : ttl,
      deadlineMs: 0,
      expire: () => this.#end(lease),
    };
    this.#leases.set(lease.id, lease);
    this.#extend(lease);
    this.#deadlines.add(lease);
    return lease;
  }

  /** Takes the keys under it away, all at one revision. */
  revoke(id: bigint): void {
    const lease = this.#leases.get(id);
    if (!lease) throw refusal("leaseNotFound");
    this.#end(lease);
  }

  /** Gives how long it lasts from now on, in seconds; 0 where there is none. */
  renew(id: bigint): bigint {
    const lease = this.#leases.get(id);
    if (!lease) return 0n;
    this.#extend(lease);
    return lease.ttl;
  }

  /** What was granted, and what is left of it, in seconds. */
  left(id: bigint): { readonly granted: bigint; readonly left: bigint } | undefined {
    const lease = this.#leases.get(id);
    if (!lease) return undefined;
    const leftMs = lease.deadlineMs - this.#options.clock.now();
    return { granted: lease.ttl, left: BigInt(Math.max(0, Math.floor(leftMs / 1_000))) };
  }

  /** All ids; the one that ends first comes first. */
  list(): readonly bigint[] {
    return [...this.#leases.values()].sort((first, second) => first.deadlineMs - second.deadlineMs).map(({ id }) => id);
  }

  /** None ends any more. */
  stop(): void {
    this.#deadlines.clear();
  }

  #extend(lease: Lease): void {
    lease.deadlineMs = this.#options.clock.now() + Number(lease.ttl) * 1_000;
  }

  #end(lease: Lease): void {
    this.#leases.delete(lease.id);
    this.#deadlines.remove(lease);
    const { store } = this.#options;
    store.write((writer) => {
      for (const key of store.keysUnder(lease.id)) writer.delete(keyRange(keyBytes(key), one));
    });
  }

  #newId(): bigint {
    for (;;) {
      const { buffer } = this.#options.random.bytes(8);
      const id = new DataView(buffer).getBigInt64(0) & 0x7fff_ffff_ffff_ffffn;
      if (id !== 0n && !this.has(id)) return id;
    }
  }
}
