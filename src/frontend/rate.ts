/** How much may come in a second, and at once. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** A rate being used. It costs two numbers and no timer: what has come back since is reckoned when asked. */
export class TokenBucket {
  protected readonly rate: Rate;
  #tokens: number;
  #atMs: number;

  /** Full to begin with. */
  constructor(rate: Rate, nowMs: number) {
    this.rate = rate;
    this.#tokens = burstOf(rate);
    this.#atMs = nowMs;
  }

  /** Takes an amount, if it is there. */
  take(nowMs: number, amount: number): boolean {
    const burst = burstOf(this.rate);
    if (burst === Number.POSITIVE_INFINITY) return true;
    this.#tokens = Math.min(burst, this.#tokens + ((nowMs - this.#atMs) * this.rate.perSecond) / 1_000);
    this.#atMs = nowMs;
    if (this.#tokens < amount) return false;
    this.#tokens -= amount;
    return true;
  }
}

/** Within the rate, over it (refuse this one), or so far over it that nobody means well. */
export type Pace = "within" | "over" | "abuse";

// Three times the rate for five seconds: two of the three are refused, and one comes back.
const abuseSeconds = 5;

/** Judges how fast a client sends: what is too much is refused, and who goes on like that is not worth refusing. */
export class RateLimit extends TokenBucket {
  // Most clients are never refused anything.
  #refusals: TokenBucket | undefined;
  readonly #leastRefusals: number;

  /** @param leastRefusals How many at once are no abuse, however low the rate is. The default is 0. */
  constructor(rate: Rate, nowMs: number, leastRefusals = 0) {
    super(rate, nowMs);
    this.#leastRefusals = leastRefusals;
  }

  pace(nowMs: number, amount: number): Pace {
    if (this.take(nowMs, amount)) return "within";
    const { perSecond, burst } = this.rate;
    this.#refusals ??= new TokenBucket(
      { perSecond, burst: Math.max(burst, perSecond * abuseSeconds, this.#leastRefusals) },
      nowMs,
    );
    return this.#refusals.take(nowMs, amount) ? "over" : "abuse";
  }
}

// Whatever comes back at once is never gone.
function burstOf({ perSecond, burst }: Rate): number {
  return perSecond === Number.POSITIVE_INFINITY ? perSecond : burst;
}
