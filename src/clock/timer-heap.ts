/** What comes when. */
export interface Timed {
  readonly atMs: number;
  /** Of two at one time the lower is first. */
  readonly order: number;
}

/** Gives the first again and again, while others are added: a binary heap. */
export class TimerHeap<T extends Timed> {
  readonly #entries: T[] = [];

  get first(): T | undefined {
    return this.#entries[0];
  }

  add(entry: T): void {
    const entries = this.#entries;
    let at = entries.push(entry) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const other = entries[above];
      if (!other || isBefore(other, entry)) break;
      entries[at] = other;
      at = above;
    }
    entries[at] = entry;
  }

  takeFirst(): T | undefined {
    const entries = this.#entries;
    const first = entries[0];
    const last = entries.pop();
    if (!last || entries.length === 0) return first;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const one = entries[left];
      const other = entries[left + 1];
      if (!one) break;
      const below = other && isBefore(other, one) ? left + 1 : left;
      const next = entries[below];
      if (!next || isBefore(last, next)) break;
      entries[at] = next;
      at = below;
    }
    entries[at] = last;
    return first;
  }
}

function isBefore(one: Timed, other: Timed): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
}
