import type { JsonValue } from "@bufbuild/protobuf";
import { sleep, systemClock } from "../../clock/index.ts";
import { CommandError } from "../command.ts";

/** A push that came. */
export interface Heard {
  /** The session that it came to. */
  readonly session: string;
  readonly route: string;
  readonly data: JsonValue;
  /** Whether it was shown when it came. */
  readonly shown: boolean;
}

interface Waiting {
  readonly wanted: (heard: Heard) => boolean;
  readonly found: (heard: Heard) => void;
}

// A script that expects none must not fill the memory.
const mostHeard = 10_000;

/** Pushes that nobody has expected yet. */
export class Inbox {
  #heard: Heard[] = [];
  #waiting: Waiting[] = [];

  /** Keeps one, or gives it to whoever waits for it. */
  put(heard: Heard): void {
    const waiting = this.#waiting.find(({ wanted }) => wanted(heard));
    if (waiting) return waiting.found(heard);
    if (this.#heard.push(heard) > mostHeard) this.#heard.shift();
  }

  /** The first that is wanted, and takes it out: one that has come, or the next that does. Rejects with a CommandError after so long, or as the signal says. */
  take(wanted: Waiting["wanted"], timeoutMs: number, signal: AbortSignal): Promise<Heard> {
    const at = this.#heard.findIndex(wanted);
    const [come] = at < 0 ? [] : this.#heard.splice(at, 1);
    if (come) return Promise.resolve(come);
    return new Promise((resolve, reject) => {
      const over = new AbortController();
      const waiting: Waiting = {
        wanted,
        found: (heard) => {
          this.#waiting = this.#waiting.filter((one) => one !== waiting);
          over.abort();
          resolve(heard);
        },
      };
      this.#waiting.push(waiting);
      const late = (): void => reject(new CommandError(`no such push came within ${timeoutMs} ms`));
      // Where it was found nobody hears how the waiting ended.
      void sleep(systemClock, timeoutMs, AbortSignal.any([over.signal, signal]))
        .then(late, reject)
        .finally(() => {
          this.#waiting = this.#waiting.filter((one) => one !== waiting);
        });
    });
  }

  /** Forgets those of a session. */
  forget(session: string): void {
    this.#heard = this.#heard.filter((one) => one.session !== session);
  }
}
