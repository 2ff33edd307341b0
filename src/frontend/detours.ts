import type { Clock, Timer } from "../clock/index.ts";
import type { ServerInfo } from "../discovery/index.ts";
import type { Incoming } from "./incoming.ts";

/** What hears how a detour ended. */
export interface DetourOwner {
  /** A routing function has failed. */
  unchosen(incoming: Incoming, reason: unknown): void;
  /** No link came up. */
  unlinked(incoming: Incoming, server: ServerInfo, reason: unknown): void;
  /** What was held up may go on. */
  resume(): void;
}

/** What holds up the messages of one session, so that what came later does not overtake: a choice that takes its time, a link that is not open, a pause. */
export class Detours {
  readonly #owner: DetourOwner;
  readonly #clock: Pick<Clock, "after">;
  #linking = false;
  // A routing function takes its time for it.
  #choosing: Incoming | undefined;
  // What failed is tried once more after it.
  #pause: Timer | undefined;

  constructor(owner: DetourOwner, clock: Pick<Clock, "after">) {
    this.#owner = owner;
    this.#clock = clock;
  }

  /** Whether nothing is sent for now. */
  get holds(): boolean {
    return this.#linking || this.#pause !== undefined || this.#choosing !== undefined;
  }

  /** Waits for who is picked for a message. */
  choose(incoming: Incoming, picked: Promise<ServerInfo>): void {
    this.#choosing = incoming;
    const chosen = (then: () => void): void => {
      // Its time may have passed meanwhile.
      if (this.#choosing !== incoming) return;
      this.#choosing = undefined;
      then();
      this.#owner.resume();
    };
    picked.then(
      (server) =>
        chosen(() => {
          incoming.chosen = server;
        }),
      (reason: unknown) => chosen(() => this.#owner.unchosen(incoming, reason)),
    );
  }

  /** Waits for the link to the server that was picked for a message. */
  link(incoming: Incoming, server: ServerInfo, linked: Promise<unknown>): void {
    this.#linking = true;
    // Who was chosen stays so when the link is there.
    incoming.chosen = server;
    linked.then(
      () => {
        this.#linking = false;
        this.#owner.resume();
      },
      (reason: unknown) => {
        this.#linking = false;
        this.#owner.unlinked(incoming, server, reason);
        this.#owner.resume();
      },
    );
  }

  /** Waits before something that failed is tried once more. */
  pause(delayMs: number): void {
    this.#pause ??= this.#clock.after(delayMs, () => {
      this.#pause = undefined;
      this.#owner.resume();
    });
  }

  /** Nobody waits any more for who is picked for a message. */
  forget(incoming: Incoming): void {
    if (this.#choosing === incoming) this.#choosing = undefined;
  }

  /** The session is over. */
  stop(): void {
    this.#pause?.cancel();
  }
}
