const mostKnown = 10_000;
// Of servers that are about to go.
const mostLeft = 1_000;

/** Where the owned keys are that were asked for: only a help, since whoever is asked in vain says where to go. */
export class KnownHomes {
  readonly #homes = new Map<string, bigint>();
  readonly #left = new Set<bigint>();

  of(type: string, key: string): bigint | undefined {
    return this.#homes.size === 0 ? undefined : this.#homes.get(`${type}/${key}`);
  }

  /** False where that server has no keys any more. */
  learn(type: string, key: string, incarnation: bigint): boolean {
    if (this.#left.has(incarnation)) return false;
    const path = `${type}/${key}`;
    this.#homes.delete(path);
    this.#homes.set(path, incarnation);
    if (this.#homes.size > mostKnown) deleteOldest(this.#homes);
    return true;
  }

  /** A server has no keys any more, and will have none. */
  leave(incarnation: bigint): void {
    this.#left.add(incarnation);
    if (this.#left.size > mostLeft) deleteOldest(this.#left);
    for (const [path, home] of this.#homes) if (home === incarnation) this.#homes.delete(path);
  }

  forget(type: string, key: string): void {
    this.#homes.delete(`${type}/${key}`);
  }
}

/** What was added longest ago. */
function deleteOldest<K>(all: { keys(): Iterable<K>; delete(key: K): unknown }): void {
  for (const oldest of all.keys()) {
    all.delete(oldest);
    break;
  }
}
