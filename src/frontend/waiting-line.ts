import type { DeadlineSweep } from "../clock/index.ts";
import type { Incoming } from "./incoming.ts";

/** The messages of one session that wait for their turn to be sent, in order. None waits longer than its method allows. */
export class WaitingLine {
  readonly #deadlines: DeadlineSweep;
  readonly #messages: Incoming[] = [];

  constructor(deadlines: DeadlineSweep) {
    this.#deadlines = deadlines;
  }

  get length(): number {
    return this.#messages.length;
  }

  add(incoming: Incoming): void {
    this.#messages.push(incoming);
    this.#deadlines.add(incoming);
  }

  /** Its turn has come. */
  shift(): Incoming | undefined {
    const first = this.#messages.shift();
    if (first) this.#deadlines.remove(first);
    return first;
  }

  /** It was not its turn. */
  unshift(incoming: Incoming): void {
    this.#messages.unshift(incoming);
    this.#deadlines.add(incoming);
  }

  /** Puts a message that was sent back in line: before all that were never sent, behind those that came before it. */
  putBack(incoming: Incoming): void {
    const at = this.#messages.findIndex((one) => one.attempt === 0);
    this.#messages.splice(at < 0 ? this.#messages.length : at, 0, incoming);
    this.#deadlines.add(incoming);
  }

  /** False where it does not wait. */
  remove(incoming: Incoming): boolean {
    const at = this.#messages.indexOf(incoming);
    if (at < 0) return false;
    this.#messages.splice(at, 1);
    this.#deadlines.remove(incoming);
    return true;
  }

  /** Gives what waited; nothing does any more. */
  clear(): Incoming[] {
    const all = this.#messages.splice(0);
    for (const incoming of all) this.#deadlines.remove(incoming);
    return all;
  }
}
