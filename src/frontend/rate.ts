/** How much may come in a second, and at once. It costs two numbers and no timer: what has come back since is reckoned when asked. */
export class TokenBucket {
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #atMs: number;

  /** Full to begin with. */
  constructor(perSecond: number, burst: number, nowMs: number) {
    this.#perMs = perSecond / 1_000;
    // Whatever comes back at once is never gone.
    this.#burst = this.#tokens = perSecond === Number.POSITIVE_INFINITY ? perSecond : burst;
    this.#atMs = nowMs;
  }

  /** Takes an amount, if it is there. */
  take(nowMs: number, amount: number): boolean {
    if (this.#burst === Number.POSITIVE_INFINITY) return true;
    this.#tokens = Math.min(this.#burst, this.#tokens + (nowMs - this.#atMs) * this.#perMs);
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
export class RateLimit {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #within: TokenBucket;
  // Most clients are never refused anything.
  #refusals: TokenBucket | undefined;

  constructor(perSecond: number, burst: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#within = new TokenBucket(perSecond, burst, nowMs);
  }

  take(nowMs: number, amount: number): Pace {
    if (this.#within.take(nowMs, amount)) return "within";
    this.#refusals ??= new TokenBucket(this.#perSecond, Math.max(this.#burst, this.#perSecond * abuseSeconds), nowMs);
    return this.#refusals.take(nowMs, amount) ? "over" : "abuse";
  }
}
