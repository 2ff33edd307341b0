import type { KeyRange } from "./key-range.ts";

/** Keys in their order. */
export class SortedKeys {
  readonly #keys: string[] = [];

  /** Adds a key that is not there. */
  add(key: string): void {
    this.#keys.splice(this.#firstFrom(key), 0, key);
  }

  /** Takes a key away that is there. */
  delete(key: string): void {
    this.#keys.splice(this.#firstFrom(key), 1);
  }

  within({ from, to }: KeyRange): readonly string[] {
    return this.#keys.slice(this.#firstFrom(from), to === undefined ? undefined : this.#firstFrom(to));
  }

  #firstFrom(key: string): number {
    let [low, high] = [0, this.#keys.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#keys[middle] as string) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
