/** A write that is done, or not, for itself, whatever becomes of the others beside it. */
export interface StoreWrite {
  readonly key: string;
  /** Undefined takes the key away. */
  readonly value: string | undefined;
  /** The key goes when this lease does. The default is that it stays. */
  readonly lease?: string | undefined;
  /** It is done only where this key has this value; undefined: where there is no such key. The default is always. */
  readonly where?: { readonly key: string; readonly value: string | undefined } | undefined;
}

/** What became of a write. */
export interface StoreWritten {
  readonly done: boolean;
  /** What its key had before. */
  readonly before: string | undefined;
}

/** One key with its value. */
export interface StoreEntry {
  readonly key: string;
  readonly value: string;
}

/** How many writes or keys one call of a store takes. */
export const maxStoreBatch = 100;

/**
 * What the cluster remembers beside its servers: texts by keys, as "users/ann", the same for all servers. Every call is bounded in time, and
 * rejects with NanoError `unavailable` or `deadline_exceeded` where the store is out of reach: then it may have been done.
 */
export interface Store {
  /**
   * Writes up to 100 different keys in one step: nobody sees a part of them. Conditions look at what was there before the step.
   * Rejects with `not_found`, and does nothing, where a lease that it names is over.
   */
  write(writes: readonly StoreWrite[]): Promise<readonly StoreWritten[]>;
  /** Up to 100 keys as they are at one moment. */
  read(keys: readonly string[]): Promise<readonly (string | undefined)[]>;
  /** Keys with a prefix, ordered by their bytes: at most so many (1,000 by default) after a key. */
  list(
    prefix: string,
    options?: { readonly after?: string | undefined; readonly limit?: number },
  ): Promise<readonly StoreEntry[]>;
  /** How many keys have a prefix. */
  count(prefix: string): Promise<number>;
  /** A lease that is over after so long, unless it is renewed; rounded up to whole seconds. Gives its name. */
  lease(ttlMs: number): Promise<string>;
  /** Its time begins again. False: it is over, and so are its keys. */
  renew(lease: string): Promise<boolean>;
  /** It is over, and its keys are gone. */
  revoke(lease: string): Promise<void>;
}

/** Throws a RangeError where a store would be given too much, and a TypeError where two writes are of one key. */
export function mustBeBatch(keys: readonly string[]): void {
  if (keys.length > maxStoreBatch) throw new RangeError(`${keys.length} keys at once: a store takes ${maxStoreBatch}`);
  if (new Set(keys).size < keys.length) throw new TypeError("one key twice in one step");
}
