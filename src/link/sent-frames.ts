import type { OutFrame } from "./frame.ts";

/** Data frames that were written and are not acknowledged, oldest first. */
export class SentFrames {
  #frames: (OutFrame | undefined)[] = [];
  #head = 0;

  get size(): number {
    return this.#frames.length - this.#head;
  }

  /** Numbers grow. */
  add(frame: OutFrame): void {
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

  all(): OutFrame[] {
    return this.#frames.slice(this.#head).filter((frame) => frame !== undefined);
  }

  /** Takes all away. */
  take(): OutFrame[] {
    const frames = this.all();
    this.#frames = [];
    this.#head = 0;
    return frames;
  }
}
