import type { Framing } from "../acceptor/index.ts";
import type { LogEntry, OutgoingPush } from "../session/index.ts";
import type { ClientForm } from "./client-form.ts";

/** What pushes to many need only once: an entry for all logs, and what is written for each form of client. */
export class SharedPushes {
  readonly #latestKey: (push: OutgoingPush) => string;
  readonly #frames = new WeakMap<LogEntry, Frames>();
  // The last of them, and its frames once a second session has it: to look them up costs as much as to write a few bytes.
  #push: OutgoingPush | undefined;
  #entry: LogEntry | undefined;
  #last: Frames | undefined;

  /** @param latestKey What the newest push of a `latest` route replaces. */
  constructor(latestKey: (push: OutgoingPush) => string) {
    this.#latestKey = latestKey;
  }

  /** The entry for a push. Its sessions are given it one after the other: the second finds it here. */
  entryOf(push: OutgoingPush): LogEntry {
    if (push === this.#push && this.#entry) {
      if (!this.#last) {
        this.#last = new Frames();
        this.#frames.set(this.#entry, this.#last);
      }
      return this.#entry;
    }
    const { route, body, delivery } = push;
    const key = delivery === "latest" ? this.#latestKey(push) : "";
    this.#push = push;
    this.#last = undefined;
    this.#entry = { kind: "push", id: 0, route, body, error: undefined, delivery, key };
    return this.#entry;
  }

  /** Undefined where only one session has it. */
  framesOf(entry: LogEntry): Frames | undefined {
    return entry === this.#entry ? this.#last : this.#frames.get(entry);
  }
}

/** A push as it is written to whoever is spoken to alike. */
export class Frames {
  readonly #all: { readonly form: ClientForm; readonly framing: Framing | undefined; readonly bytes: Uint8Array }[] = [];

  of(form: ClientForm, framing: Framing | undefined): Uint8Array | undefined {
    for (const frame of this.#all) if (frame.form === form && frame.framing === framing) return frame.bytes;
    return undefined;
  }

  keep(form: ClientForm, framing: Framing | undefined, bytes: Uint8Array): void {
    this.#all.push({ form, framing, bytes });
  }
}
