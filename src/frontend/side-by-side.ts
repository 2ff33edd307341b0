import type { Incoming } from "./incoming.ts";

interface Lane {
  running: number;
  readonly waiting: Incoming[];
}

/** How many messages of one session are under way by each method that is answered side by side. What is too many waits for its turn. */
export class SideBySide {
  // Most sessions never call such a method.
  #lanes: Map<string, Lane> | undefined;
  #waiting = 0;

  /** Messages that wait for their turn. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Whether a message may go now; if not, it is kept. */
  enter(incoming: Incoming): boolean {
    const { route, policy } = incoming.known.info;
    this.#lanes ??= new Map();
    let lane = this.#lanes.get(route);
    if (!lane) {
      lane = { running: 0, waiting: [] };
      this.#lanes.set(route, lane);
    }
    if (lane.running < policy.maxConcurrent) {
      lane.running++;
      return true;
    }
    lane.waiting.push(incoming);
    this.#waiting++;
    return false;
  }

  /** A message that went is over. Gives the one whose turn it is, which goes in its place. */
  left(incoming: Incoming): Incoming | undefined {
    const lane = this.#lanes?.get(incoming.known.info.route);
    if (!lane) return undefined;
    const next = lane.waiting.shift();
    if (next) this.#waiting--;
    else if (--lane.running === 0) this.#lanes?.delete(incoming.known.info.route);
    return next;
  }

  /** Takes out a message that waits; false where it does not. */
  remove(incoming: Incoming): boolean {
    const waiting = this.#lanes?.get(incoming.known.info.route)?.waiting ?? [];
    const at = waiting.indexOf(incoming);
    if (at < 0) return false;
    waiting.splice(at, 1);
    this.#waiting--;
    return true;
  }

  /** Nothing goes any more. Gives what waited. */
  clear(): Incoming[] {
    const waiting = [...(this.#lanes?.values() ?? [])].flatMap((lane) => lane.waiting);
    this.#lanes = undefined;
    this.#waiting = 0;
    return waiting;
  }
}
