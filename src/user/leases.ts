import type { Store } from "../discovery/index.ts";
import { NanoError } from "../error/index.ts";

interface Lease {
  readonly name: string;
  keys: number;
}

// Of a lease with very many keys, renewal and end are one large step for the store.
const mostKeys = 1_000;

/** Leases of one server for keys that live as long as it does. */
export class Leases {
  readonly #store: () => Store;
  readonly #ttlMs: number;
  readonly #all = new Map<string, Lease>();
  #making: Promise<void> | undefined;

  constructor(store: () => Store, ttlMs: number) {
    this.#store = store;
    this.#ttlMs = ttlMs;
  }

  /** A lease with room for so many keys more. */
  async take(keys: number): Promise<string> {
    for (;;) {
      const lease = [...this.#all.values()].find((one) => one.keys + keys <= mostKeys);
      if (lease) {
        lease.keys += keys;
        return lease.name;
      }
      // Those that ask at once share one.
      this.#making ??= this.#make().finally(() => {
        this.#making = undefined;
      });
      await this.#making;
    }
  }

  async #make(): Promise<void> {
    const name = await this.#store().lease(this.#ttlMs);
    this.#all.set(name, { name, keys: 0 });
  }

  /** Keys of a lease were not written, or are gone. */
  free(name: string, keys: number): void {
    const lease = this.#all.get(name);
    if (lease) lease.keys -= keys;
  }

  /** The store knows it no more. */
  lost(name: string): void {
    this.#all.delete(name);
  }

  /** Renews all; gives whether one was over. Rejects where the store is out of reach. */
  async renew(): Promise<boolean> {
    let lost = false;
    for (const { name } of [...this.#all.values()]) {
      if (await this.#store().renew(name)) continue;
      this.lost(name);
      lost = true;
    }
    return lost;
  }

  /** Ends all, and their keys with them. Gives up where the store is out of reach: they end by themselves. */
  async end(): Promise<NanoError | undefined> {
    const names = [...this.#all.keys()];
    this.#all.clear();
    try {
      for (const name of names) await this.#store().revoke(name);
    } catch (reason) {
      return NanoError.from(reason);
    }
    return undefined;
  }
}
