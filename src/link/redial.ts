import type { Clock, Random } from "../clock/index.ts";
import type { NanoError } from "../error/index.ts";

const firstPauseMs = 100;
const maxPauseMs = 1_000;
const forgetMs = 10_000;

/** Servers that were out of reach: whoever asks again within a pause, longer each time, hears so at once. */
export class Redial {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #resting = new Map<bigint, Rest>();

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Why a server should not be dialed yet, if so. */
  refusal(incarnation: bigint): NanoError | undefined {
    const rest = this.#resting.get(incarnation);
    return rest && this.#clock.now() < rest.untilMs ? rest.error : undefined;
  }

  failed(incarnation: bigint, error: NanoError): void {
    const times = (this.#resting.get(incarnation)?.times ?? 0) + 1;
    const pauseMs = Math.min(maxPauseMs, firstPauseMs * 2 ** (times - 1));
    // From half the pause on: those that failed together do not come back together.
    const untilMs = this.#clock.now() + pauseMs * (0.5 + this.#random.next() / 2);
    this.#resting.set(incarnation, { times, untilMs, error });
  }

  reached(incarnation: bigint): void {
    this.#resting.delete(incarnation);
  }

  /** Forgets those that nobody has asked for in a while. */
  sweep(): void {
    const now = this.#clock.now();
    for (const [incarnation, { untilMs }] of this.#resting) if (now - untilMs >= forgetMs) this.#resting.delete(incarnation);
  }
}

interface Rest {
  readonly times: number;
  readonly untilMs: number;
  readonly error: NanoError;
}
