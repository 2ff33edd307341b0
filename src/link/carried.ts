import type { FrameBody } from "./link.ts";

/** What lives on a stream from one side, for which its link stays though nothing is said: open sessions, groups with members, relayed clients, a watch of sessions. */
export class Carried {
  #sessions = 0;
  #groups = 0;
  #relays = 0;
  #watches = false;

  get any(): boolean {
    return this.#sessions > 0 || this.#groups > 0 || this.#relays > 0 || this.#watches;
  }

  /** A frame of that side. */
  take(body: FrameBody): void {
    if (body.case === "open") this.#sessions++;
    else if (body.case === "end") this.#sessions--;
    else if (body.case === "relay") this.#relays++;
    else if (body.case === "relayBytes") this.#relays -= body.value.client && body.value.over ? 1 : 0;
    else if (body.case === "sessionWatch") this.#watches = true;
    else if (body.case === "interest") {
      // A stream begins with all of them, in several frames where they are many.
      const { added, removed } = body.value;
      this.#groups += added.length - removed.length;
    }
  }
}
