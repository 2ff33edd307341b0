import type { OutFrame } from "./frame.ts";

/** Data frames that were written and are not acknowledged, oldest first. Their numbers follow one another. */
export class SentFrames {
  // Of most nothing has to be known but what they cost: here by their numbers. Those that outlive a stream cost nothing here.
  #costs: number[] = [];
  #costsHead = 0;
  // The number that the first of the costs belongs to.
  #first = 1;
  #kept: OutFrame[] = [];
  #keptHead = 0;

  get size(): number {
    return this.#costs.length - this.#costsHead + this.#kept.length - this.#keptHead;
  }

  /** The next number was given to a frame that ends with its stream. */
  add(cost: number): void {
    this.#costs.push(cost);
  }

  /** The next number was given to a frame that is sent again until the peer has it. */
  keep(frame: OutFrame): void {
    this.#costs.push(0);
    this.#kept.push(frame);
  }

  /** Forgets what the peer has; gives how much credit that sets free. */
  acknowledged(number: number): number {
    const end = Math.min(number - this.#first + 1, this.#costs.length);
    let freed = 0;
    for (; this.#costsHead < end; this.#costsHead++) freed += this.#costs[this.#costsHead] ?? 0;
    for (; this.#keptHead < this.#kept.length; this.#keptHead++) {
      const frame = this.#kept[this.#keptHead];
      if (!frame || frame.number > number) break;
      freed += frame.cost;
    }
    this.#tidy();
    return freed;
  }

  /** Those that outlive a stream. */
  kept(): OutFrame[] {
    return this.#kept.slice(this.#keptHead);
  }

  /** Forgets those that do not. */
  forgetOthers(): void {
    this.#first += this.#costs.length;
    this.#costs = [];
    this.#costsHead = 0;
  }

  #tidy(): void {
    const { length } = this.#costs;
    if (this.#costsHead === length || (this.#costsHead > 1_024 && this.#costsHead * 2 > length)) {
      this.#first += this.#costsHead;
      // As long as an array stays the same its place is at hand.
      if (this.#costsHead === length) this.#costs.length = 0;
      else this.#costs = this.#costs.slice(this.#costsHead);
      this.#costsHead = 0;
    }
    if (this.#keptHead > 0 && (this.#keptHead === this.#kept.length || this.#keptHead > 1_024)) {
      this.#kept = this.#kept.slice(this.#keptHead);
      this.#keptHead = 0;
    }
  }
}
