import type { Clock, Timer } from "../clock/index.ts";
import type { ServerInfo } from "./discovery.ts";

// Longer than any server waits between two tries to write itself again, with what a connection takes.
const returnMs = 3_000;

/**
 * The servers that a registry does not list any more, and that are there all the same. Of one that was out of reach nobody can tell whether a lease ran out because
 * its server died, or because the registry could not hear that it lives; one that came back empty knows nobody. So whoever is missing is believed to be gone
 * only when it had the time to write itself again.
 */
export class LateServers {
  readonly #clock: Clock;
  readonly #over: () => void;
  #told: readonly ServerInfo[] = [];
  #doubted = false;
  #patience: Pick<Timer, "cancel"> | undefined;

  /** @param over What is listed is all there is, from now on. */
  constructor(clock: Clock, over: () => void) {
    this.#clock = clock;
    this.#over = over;
  }

  /** The registry is out of reach. */
  doubt(): void {
    this.#doubted = true;
    this.#patience?.cancel();
    this.#patience = undefined;
  }

  /** It is back. */
  trust(): void {
    if (!this.#doubted || this.#patience) return;
    this.#patience = this.#clock.after(returnMs, () => {
      this.#doubted = false;
      this.#patience = undefined;
      this.#over();
    });
  }

  /** Those that are listed, and those that are late. */
  with(listed: readonly ServerInfo[]): readonly ServerInfo[] {
    if (!this.#doubted) this.#told = listed;
    else {
      const ids = new Set(listed.map(({ id }) => id));
      const late = this.#told.filter(({ id }) => !ids.has(id));
      this.#told = [...listed, ...late].sort((one, other) => (one.id < other.id ? -1 : 1));
    }
    return this.#told;
  }

  stop(): void {
    this.#patience?.cancel();
  }
}
