const mostKnown = 10_000;

/** Where the owned keys are that were asked for: only a help, since whoever is asked in vain says where to go. */
export class KnownHomes {
  readonly #homes = new Map<string, bigint>();

  of(type: string, key: string): bigint | undefined {
    return this.#homes.size === 0 ? undefined : this.#homes.get(`${type}/${key}`);
  }

  learn(type: string, key: string, incarnation: bigint): void {
    const path = `${type}/${key}`;
    this.#homes.delete(path);
    this.#homes.set(path, incarnation);
    if (this.#homes.size <= mostKnown) return;
    // The one that was learned longest ago.
    for (const oldest of this.#homes.keys()) {
      this.#homes.delete(oldest);
      break;
    }
  }

  forget(type: string, key: string): void {
    this.#homes.delete(`${type}/${key}`);
  }
}
