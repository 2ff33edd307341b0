import type { Clock, Timer } from "../clock/index.ts";
import { maxStoreBatch, type Store, type StoreWrite, type StoreWritten } from "../discovery/index.ts";
import { NanoError } from "../error/index.ts";
import type { Logger } from "../logger/index.ts";
import { type Binding, decodeBinding, encodeBinding, isLater, userKey } from "./binding.ts";
import { Leases } from "./leases.ts";

/** Who is at this frontend, as the whole cluster is told. */
export interface Claims {
  /** Writes that a user is at this session, whoever had it. Gives whom the user was with before. Rejects where the store is out of reach: it may have been written. */
  claim(binding: Binding): Promise<Binding | undefined>;
  /** From now on sees to it that the binding stands, until another is later. */
  hold(binding: Binding): void;
  /** Takes a binding away, if it still stands. */
  release(binding: Binding): void;
  /** Begins to look after what is held. */
  start(): void;
  /** Nobody is here any more. */
  stop(): Promise<void>;
}

/** What claims are made of. */
export interface ClaimsOptions {
  readonly store: () => Store;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long bindings outlive a server that is gone. */
  readonly leaseMs: () => number;
  /** A held binding was lost to a later one. */
  readonly lost: (own: Binding, other: Binding) => void;
  /** A held binding has taken the place of an earlier one. */
  readonly took: (own: Binding, former: Binding) => void;
}

interface Change {
  readonly user: string;
  write(lease: string): StoreWrite;
  settle(outcome: StoreWritten | NanoError): void;
}

const tickMs = 1_000;
// How often it is looked whether what is held stands: after a split this heals what nothing else has.
const auditMs = 60_000;
const mostReleases = 10_000;
// At once; the registry takes them together to its disk.
const mostWriters = 4;

/** Claims of a frontend that holds nobody yet. */
export function createClaims(options: ClaimsOptions): Claims {
  const { clock, log, store } = options;
  const held = new Map<string, Binding>();
  const onLease = new Map<string, string>();
  // Whoever has taken the place of one that has stood came later, whatever the clocks say.
  const stood = new WeakSet<Binding>();
  let leases: Leases | undefined;
  let queue: Change[] = [];
  const writing = new Set<Promise<void>>();
  let writers = 0;
  // What is written of one user is written one after the other.
  const underway = new Set<string>();
  let looking = false;
  let away = false;
  let stopped = false;
  let auditDue = false;
  let renewedAtMs = clock.now();
  let auditedAtMs = clock.now();
  let timer: Timer | undefined;

  function own(): Leases {
    leases ??= new Leases(store, options.leaseMs());
    return leases;
  }

  function enqueue(change: Change): void {
    queue.push(change);
    wake();
  }

  /** While one is written the next batch gathers; one that is full does not wait. */
  function wake(): void {
    if (away || writers >= mostWriters || queue.length < (writers === 0 ? 1 : maxStoreBatch)) return;
    writers++;
    const writer: Promise<void> = writeAll().then(() => void writing.delete(writer));
    writing.add(writer);
  }

  /** Up to a batch, in their order, of each user one. */
  function take(): Change[] {
    if (away) return [];
    const batch: Change[] = [];
    const later: Change[] = [];
    const passed = new Set(underway);
    let looked = 0;
    // Thousands may wait: what stands behind a full batch is not looked at.
    for (; looked < queue.length && batch.length < maxStoreBatch; looked++) {
      const change = queue[looked];
      if (!change) break;
      if (passed.has(change.user)) later.push(change);
      else batch.push(change);
      passed.add(change.user);
    }
    queue = [...later, ...queue.slice(looked)];
    for (const { user } of batch) underway.add(user);
    return batch;
  }

  async function writeAll(): Promise<void> {
    // What is asked for in one turn goes in one batch.
    await new Promise<void>((resolve) => clock.soon(resolve));
    for (let batch = take(); batch.length > 0; batch = take()) {
      const written = await write(batch).catch((reason: unknown) => NanoError.from(reason));
      for (const { user } of batch) underway.delete(user);
      if (written instanceof NanoError) fail(written, batch);
      else for (const [at, change] of batch.entries()) change.settle(written[at] ?? { done: false, before: undefined });
    }
    // At once, and not when somebody hears of it: what is asked for next must begin anew.
    writers--;
  }

  async function write(batch: readonly Change[], again = true): Promise<readonly StoreWritten[]> {
    const lease = await own().take(batch.length);
    const writes = batch.map((change) => change.write(lease));
    let done = 0;
    try {
      const written = await store().write(writes);
      for (const [at, { user }] of batch.entries()) {
        const isPut = writes[at]?.value !== undefined;
        if (!written[at]?.done && (isPut || held.has(user))) continue;
        const before = onLease.get(user);
        if (before !== undefined) own().free(before, 1);
        onLease.delete(user);
        if (!isPut) continue;
        onLease.set(user, lease);
        done++;
      }
      return written;
    } catch (reason) {
      if (!again || NanoError.from(reason).code !== "not_found") throw reason;
      // It was over before it was renewed: whatever hung on it is gone.
      own().lost(lease);
      auditDue = true;
      return write(batch, false);
    } finally {
      own().free(lease, batch.length - done);
    }
  }

  /** Whoever waits hears of it now; the rest is seen to when the store is back. */
  function fail(error: NanoError, batch: readonly Change[]): void {
    if (!away) log.warn({ err: error }, "bindings of users cannot be written");
    away = true;
    auditDue = true;
    const all = [...batch, ...queue];
    queue = [];
    for (const change of all) change.settle(error);
  }

  function put(binding: Binding, where: StoreWrite["where"], settle: Change["settle"]): void {
    const { user } = binding;
    const write = (lease: string): StoreWrite => ({ key: userKey(user), value: encodeBinding(binding), lease, where });
    enqueue({
      user,
      write,
      settle(outcome) {
        if (!(outcome instanceof NanoError) && outcome.done) stood.add(binding);
        settle(outcome);
      },
    });
  }

  function release(binding: Binding): void {
    const { user } = binding;
    if (held.get(user) === binding) held.delete(user);
    const key = userKey(user);
    const where = { key, value: encodeBinding(binding) };
    enqueue({
      user,
      write: () => ({ key, value: undefined, where }),
      settle(outcome) {
        // What was written before the store went must not stay there for as long as this server lives.
        if (outcome instanceof NanoError && queue.length < mostReleases && !stopped) release(binding);
      },
    });
  }

  /** One that is held and does not stand: written again, or given up to a later one. */
  function repair(binding: Binding, text: string | undefined): void {
    const { user } = binding;
    const other = decodeBinding(user, text);
    if (other && (stood.has(binding) || isLater(other, binding))) {
      held.delete(user);
      options.lost(binding, other);
      return;
    }
    put(binding, { key: userKey(user), value: text }, (outcome) => {
      if (outcome instanceof NanoError) return;
      // Somebody was here between the look and the write.
      if (!outcome.done) auditDue = true;
      else if (other) options.took(binding, other);
    });
  }

  async function audit(): Promise<void> {
    auditDue = false;
    auditedAtMs = clock.now();
    const all = [...held.values()];
    // Also with nobody here: it is what tells that the store is back.
    for (let at = 0; at === 0 || at < all.length; at += maxStoreBatch) {
      const batch = all.slice(at, at + maxStoreBatch);
      const texts = await store().read(batch.length > 0 ? batch.map(({ user }) => userKey(user)) : ["users"]);
      if (away) log.info({}, "bindings of users can be written again");
      away = false;
      const waiting = new Set([...underway, ...queue.map(({ user }) => user)]);
      for (const [index, binding] of batch.entries()) {
        const { user } = binding;
        if (held.get(user) !== binding || waiting.has(user) || texts[index] === encodeBinding(binding)) continue;
        repair(binding, texts[index]);
      }
    }
    wake();
  }

  async function look(): Promise<void> {
    if (looking) return;
    looking = true;
    try {
      if (leases && clock.now() - renewedAtMs >= options.leaseMs() / 3) {
        const startedAtMs = clock.now();
        if (await leases.renew()) auditDue = true;
        renewedAtMs = startedAtMs;
      }
      if (away || auditDue || clock.now() - auditedAtMs >= auditMs) await audit();
    } catch (reason) {
      fail(NanoError.from(reason), []);
    } finally {
      looking = false;
    }
  }

  return {
    claim(binding) {
      if (away || stopped) {
        return Promise.reject(new NanoError({ code: "unavailable", message: "the registry of users is out of reach" }));
      }
      return new Promise((resolve, reject) => {
        put(binding, undefined, (outcome) => {
          if (outcome instanceof NanoError) reject(outcome);
          else resolve(decodeBinding(binding.user, outcome.before));
        });
      });
    },
    hold(binding) {
      held.set(binding.user, binding);
    },
    release,
    start() {
      timer = clock.every(tickMs, () => void look());
    },
    async stop() {
      stopped = true;
      timer?.cancel();
      held.clear();
      await Promise.all(writing);
      const failure = await leases?.end();
      if (failure) log.warn({ err: failure }, "bindings of users stay until their leases are over");
    },
  };
}
