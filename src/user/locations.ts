import type { Clock } from "../clock/index.ts";
import { maxStoreBatch, type Store } from "../discovery/index.ts";
import { decodeBinding, userKey } from "./binding.ts";

/** Which frontends users are at, as far as it is known. */
export interface Locations {
  /** The frontend's incarnation, without asking. */
  known(user: string): bigint | undefined;
  /** Asks the store for those that are not known. Whoever is nowhere, or cannot be asked for, is left out. */
  find(users: readonly string[]): Promise<ReadonlyMap<string, bigint>>;
  /** The user was not there. */
  forget(user: string, incarnation: bigint): void;
}

const mostKnown = 65_536;

/** Locations that the store is asked for in batches; what it says is kept until it proves wrong. */
export function createLocations(clock: Clock, store: () => Store): Locations {
  const known = new Map<string, bigint>();
  let asking: { readonly users: Set<string>; readonly answer: Promise<ReadonlyMap<string, bigint>> } | undefined;

  function learn(user: string, incarnation: bigint): void {
    known.delete(user);
    known.set(user, incarnation);
    if (known.size <= mostKnown) return;
    // The one that was learned first.
    for (const oldest of known.keys()) {
      known.delete(oldest);
      break;
    }
  }

  async function read(users: readonly string[], found: Map<string, bigint>): Promise<void> {
    const texts = await store().read(users.map(userKey));
    for (const [at, user] of users.entries()) {
      const binding = decodeBinding(user, texts[at]);
      if (!binding) continue;
      found.set(user, binding.incarnation);
      learn(user, binding.incarnation);
    }
  }

  async function answer(users: ReadonlySet<string>): Promise<ReadonlyMap<string, bigint>> {
    // What is asked for in one turn is asked in one go.
    await new Promise<void>((resolve) => clock.soon(resolve));
    asking = undefined;
    const found = new Map<string, bigint>();
    const all = [...users];
    const batches: Promise<void>[] = [];
    for (let at = 0; at < all.length; at += maxStoreBatch) batches.push(read(all.slice(at, at + maxStoreBatch), found));
    // Those of a batch that failed are out of reach, as whoever is away.
    await Promise.allSettled(batches);
    return found;
  }

  return {
    known: (user) => known.get(user),
    async find(users) {
      const unknown = users.filter((user) => !known.has(user));
      const found = new Map<string, bigint>();
      for (const user of users) {
        const at = known.get(user);
        if (at !== undefined) found.set(user, at);
      }
      if (unknown.length === 0) return found;
      if (!asking) {
        const names = new Set<string>();
        asking = { users: names, answer: answer(names) };
      }
      for (const user of unknown) asking.users.add(user);
      const answered = await asking.answer;
      for (const user of unknown) {
        const at = answered.get(user);
        if (at !== undefined) found.set(user, at);
      }
      return found;
    },
    forget(user, incarnation) {
      if (known.get(user) === incarnation) known.delete(user);
    },
  };
}
