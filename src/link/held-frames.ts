import type { OutFrame } from "./frame.ts";
import { HeldOrders, type Order } from "./order.ts";

/** Whether a frame may leave now: whole, in pieces, or not since it lacks credit, as all pushes behind it do, or something else. */
export type Leave = "whole" | "pieces" | "credit" | "no";

/** Frames that wait: pushes for credit, for room, or for a stream; others behind what they must not overtake. */
export class HeldFrames {
  #frames: (OutFrame | undefined)[] = [];
  #head = 0;
  #size = 0;
  #bytes = 0;
  #others = 0;
  readonly #orders = new HeldOrders();
  readonly #latest = new Map<string, OutFrame>();

  get size(): number {
    return this.#size;
  }
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds at the end. Where only the newest counts, the older one goes. */
  add(frame: OutFrame): void {
    if (frame.latest !== undefined) {
      const older = this.#latest.get(frame.latest);
      if (older) this.#remove(older);
      this.#latest.set(frame.latest, frame);
    }
    this.#frames.push(frame);
    this.#count(frame, 1);
  }

  /** Lets all wait until so many frames have left the outbox. */
  behind(left: number): void {
    for (const frame of this.#frames) if (frame) frame.after = left;
  }

  meets(order: Order): boolean {
    return this.#orders.meets(order);
  }

  /**
   * Gives what may leave, in order, until a number of bytes is reached.
   *
   * @param under The orders that are under way in pieces.
   */
  release(bytes: number, under: readonly Order[], leave: (frame: OutFrame) => Leave, take: (frame: OutFrame) => void): void {
    if (this.#size === 0) return;
    const orders = new HeldOrders();
    for (const order of under) orders.add(order);
    let left = bytes;
    for (let at = this.#head; at < this.#frames.length && left > 0; at++) {
      const frame = this.#frames[at];
      if (!frame) continue;
      const may = orders.meets(frame.order) ? "no" : leave(frame);
      if (may === "whole" || may === "pieces") {
        // As long as it is under way, others must not overtake it.
        if (may === "pieces") orders.add(frame.order);
        this.#frames[at] = undefined;
        this.#count(frame, -1);
        left -= frame.bytes.length;
        take(frame);
      } else {
        if (may === "credit" && this.#others === 0) break;
        orders.add(frame.order);
      }
    }
    this.#tidy();
  }

  /** Takes all away. */
  take(): OutFrame[] {
    const frames = this.#frames.slice(this.#head).filter((frame) => frame !== undefined);
    for (const frame of frames) this.#count(frame, -1);
    this.#frames = [];
    this.#head = 0;
    return frames;
  }

  #remove(frame: OutFrame): void {
    const at = this.#frames.indexOf(frame, this.#head);
    if (at < 0) return;
    this.#frames[at] = undefined;
    this.#count(frame, -1);
    this.#tidy();
  }

  #count(frame: OutFrame, times: 1 | -1): void {
    this.#size += times;
    this.#bytes += times * frame.bytes.length;
    if (!frame.push) this.#others += times;
    if (times === 1) this.#orders.add(frame.order);
    else this.#orders.remove(frame.order);
    if (times === -1 && frame.latest !== undefined && this.#latest.get(frame.latest) === frame) this.#latest.delete(frame.latest);
  }

  #tidy(): void {
    while (this.#head < this.#frames.length && !this.#frames[this.#head]) this.#head++;
    if (this.#frames.length - this.#size > 1_024 + this.#size) {
      this.#frames = this.#frames.filter((frame) => frame !== undefined);
      this.#head = 0;
    }
  }
}
