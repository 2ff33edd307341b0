import type { NanoError } from "../error/index.ts";
import type { Breakable } from "../handler/index.ts";
import type { Incoming } from "./incoming.ts";

/** The messages of one session that were sent to the server that answers them, and are not answered yet. */
export class UnderWay {
  // Not a Set: each knows its place, and they come and go by the thousand.
  #messages: Incoming[] = [];

  get length(): number {
    return this.#messages.length;
  }

  add(incoming: Incoming, call: Breakable): void {
    incoming.call = call;
    incoming.running = this.#messages.push(incoming) - 1;
  }

  /** One is over, if it is here at all: what is answered at once never was. */
  remove(incoming: Incoming): void {
    const { running: place } = incoming;
    if (this.#messages[place] !== incoming) return;
    const last = this.#messages.pop();
    if (!last || last === incoming) return;
    this.#messages[place] = last;
    last.running = place;
  }

  breakOff(reason: NanoError): void {
    for (const { call } of [...this.#messages]) call?.breakOff(reason);
    this.#messages = [];
  }
}
