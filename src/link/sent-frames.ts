import type { OutFrame } from "./frame.ts";

/** A data frame that was written: of one that is not kept nothing else is known any more. */
export type SentFrame = OutFrame | { readonly number: number; readonly cost: number; readonly kept: false };

/** Data frames that were written and are not acknowledged, oldest first. */
export class SentFrames {
  #frames: (SentFrame | undefined)[] = [];
  #head = 0;

  get size(): number {
    return this.#frames.length - this.#head;
  }

  /** Numbers grow. */
  add(frame: SentFrame): void {
    this.#frames.push(frame);
  }

  /** Forgets what the peer has; gives how much credit that sets free. */
  acknowledged(number: number): number {
    let freed = 0;
    for (; this.#head < this.#frames.length; this.#head++) {
      const frame = this.#frames[this.#head];
      if (frame && frame.number > number) break;
      freed += frame?.cost ?? 0;
      this.#frames[this.#head] = undefined;
    }
    if (this.#head === this.#frames.length) {
      this.#frames.length = 0;
      this.#head = 0;
    } else if (this.#head > 1_024 && this.#head * 2 > this.#frames.length) {
      this.#frames = this.#frames.slice(this.#head);
      this.#head = 0;
    }
    return freed;
  }

  /** Those that outlive a stream. */
  kept(): OutFrame[] {
    return this.#frames.slice(this.#head).filter((frame) => frame?.kept && "bytes" in frame) as OutFrame[];
  }

  /** Forgets those that do not. */
  forgetOthers(): void {
    this.#frames = this.kept();
    this.#head = 0;
  }
}
