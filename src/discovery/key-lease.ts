import type { Clock, Timer } from "../clock/index.ts";
import { NanoError } from "../error/index.ts";
import type { Logger } from "../logger/index.ts";
import { inFull } from "./etcd-error.ts";
import { maxStoreBatch, type Store, type StoreWrite, type StoreWritten } from "./store.ts";

/** Keys that one server has claimed in a store, all under one lease. */
export interface KeyLease {
  /**
   * Of what was claimed: `alive`: it is certainly still claimed; `over`: it is certainly not, though the store has not said so; `doubtful`: the lease
   * was not renewed in time.
   */
  readonly state: "alive" | "doubtful" | "over";
  /** Claims a key. Gives the incarnation that has it; undefined: it is this one. Rejects where the store is out of reach: it may have been claimed. */
  claim(key: string): Promise<bigint | undefined>;
  /** Gives a claimed key up. Rejects where the store is out of reach. */
  release(key: string): Promise<void>;
  /** The lease and all its keys go. */
  stop(): Promise<void>;
}

/** What a key lease is made of. */
export interface KeyLeaseOptions {
  readonly store: () => Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly incarnation: bigint;
  readonly leaseMs: () => number;
  /** The lease is over: others may have claimed what was claimed here. */
  readonly lost: () => void;
}

interface Change {
  write(lease: string): StoreWrite;
  settle(outcome: StoreWritten | NanoError): void;
}

const prefix = "own/";
// Of the lease's time. Whoever has not renewed for so long answers nothing more, well before another may claim.
const fencedAfter = 0.8;
const renewedAfter = 0.2;

/** Without any key, and without a lease until the first. */
export function createKeyLease(options: KeyLeaseOptions): KeyLease {
  const { store, clock, log, incarnation } = options;
  // By key, with the value that it was claimed by. Each claim has another, so that a write which comes late hits no later claim.
  const held = new Map<string, string>();
  let claims = 0;
  let lease: string | undefined;
  let aliveAtMs = 0;
  let queue: Change[] = [];
  let writing: Promise<void> | undefined;
  let timer: Timer | undefined;
  let looking = false;
  let stopped = false;

  async function current(): Promise<string> {
    if (lease !== undefined) return lease;
    const startedAtMs = clock.now();
    lease = await store().lease(options.leaseMs());
    aliveAtMs = startedAtMs;
    timer ??= clock.every(Math.min(1_000, options.leaseMs() / 10), () => void look());
    return lease;
  }

  function drop(name: string): void {
    if (lease !== name) return;
    lease = undefined;
    held.clear();
    options.lost();
  }

  async function look(): Promise<void> {
    const name = lease;
    if (looking || name === undefined || clock.now() - aliveAtMs < options.leaseMs() * renewedAfter) return;
    looking = true;
    const startedAtMs = clock.now();
    try {
      if (!(await store().renew(name))) drop(name);
      else if (lease === name) aliveAtMs = startedAtMs;
    } catch (reason) {
      log.debug({ why: inFull(reason) }, "the lease of owned keys was not renewed");
    } finally {
      looking = false;
    }
  }

  function enqueue(change: Change): void {
    if (stopped) return change.settle(new NanoError({ code: "unavailable", message: "this server has stopped" }));
    queue.push(change);
    writing ??= writeAll();
  }

  async function writeAll(): Promise<void> {
    // What is asked for in one turn goes in one batch.
    await new Promise<void>((resolve) => clock.soon(resolve));
    while (queue.length > 0) {
      const batch = queue.slice(0, maxStoreBatch);
      queue = queue.slice(batch.length);
      try {
        const written = await write(batch);
        for (const [at, change] of batch.entries()) change.settle(written[at] ?? { done: false, before: undefined });
      } catch (reason) {
        const error = NanoError.from(reason);
        // Those behind would wait as long, to hear the same.
        const behind = error.code === "unavailable" || error.code === "deadline_exceeded" ? queue.splice(0) : [];
        for (const change of [...batch, ...behind]) change.settle(error);
      }
    }
    // At once, and not when somebody hears of it: what is asked for next must begin anew.
    writing = undefined;
  }

  async function write(batch: readonly Change[], again = true): Promise<readonly StoreWritten[]> {
    const name = await current();
    try {
      const written = await store().write(batch.map((change) => change.write(name)));
      if (lease === name) return written;
      throw new NanoError({ code: "unavailable", message: "the lease of owned keys was lost meanwhile" });
    } catch (reason) {
      if (NanoError.from(reason).code !== "not_found" || !again) throw reason;
      // It was over before anybody looked.
      drop(name);
      return write(batch, false);
    }
  }

  /** Puts the key where it is as it was. */
  function put(key: string, before: string | undefined): Promise<StoreWritten> {
    const value = `${incarnation.toString(16)}.${++claims}`;
    return new Promise((resolve, reject) => {
      enqueue({
        write: (name) => ({ key: prefix + key, value, lease: name, where: { key: prefix + key, value: before } }),
        settle(outcome) {
          if (outcome instanceof NanoError) return reject(outcome);
          if (outcome.done) held.set(key, value);
          resolve(outcome);
        },
      });
    });
  }

  function state(): KeyLease["state"] {
    const silent = lease === undefined ? 1 : (clock.now() - aliveAtMs) / options.leaseMs();
    return silent < fencedAfter ? "alive" : silent < 1 ? "doubtful" : "over";
  }

  return {
    get state() {
      return state();
    },
    async claim(key) {
      // The store does not answer: whether it does again is found out by renewing, and not by those who ask, who would all wait for it.
      if (lease !== undefined && state() !== "alive") {
        void look();
        throw new NanoError({ code: "unavailable", message: "the key has no home while discovery is away" });
      }
      const first = await put(key, undefined);
      if (first.done) return undefined;
      const home = homeOf(first.before);
      if (home !== undefined && home !== incarnation) return home;
      // Its own, of a claim whose answer was lost: it may hang on a lease that nobody renews.
      if (home === incarnation && (await put(key, first.before)).done) return undefined;
      throw new NanoError({ code: "unavailable", message: "the key was claimed by another meanwhile" });
    },
    release(key) {
      const value = held.get(key);
      if (value === undefined) return Promise.resolve();
      held.delete(key);
      return new Promise((resolve, reject) => {
        enqueue({
          write: () => ({ key: prefix + key, value: undefined, where: { key: prefix + key, value } }),
          settle: (outcome) => (outcome instanceof NanoError ? reject(outcome) : resolve()),
        });
      });
    },
    async stop() {
      stopped = true;
      timer?.cancel();
      await writing;
      if (lease === undefined) return;
      const name = lease;
      lease = undefined;
      try {
        await store().revoke(name);
      } catch (reason) {
        log.warn({ err: reason }, "owned keys stay claimed until their lease is over");
      }
    },
  };
}

function homeOf(value: string | undefined): bigint | undefined {
  const hex = /^([0-9a-f]{1,16})\.\d+$/.exec(value ?? "")?.[1];
  return hex === undefined ? undefined : BigInt(`0x${hex}`);
}
