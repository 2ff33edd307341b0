import type { Bot } from "./bot.ts";

/** From the number of users before it to its own, evenly. */
export interface Stage {
  readonly users: number;
  /** 0 gets there at once. */
  readonly overMs: number;
}

/** Users who come when they are due, however slow the server is. */
export interface Arrivals {
  readonly perSecond: number;
  readonly forMs: number;
  /** Whoever comes when so many are there is turned away, and counts as a failed `(connect)`. The default is 10,000. */
  readonly maxUsers?: number;
}

/** What must hold in the end. */
export interface Thresholds {
  /** Half of all answered calls took no longer; connecting is not among them. */
  readonly p50Ms?: number;
  readonly p95Ms?: number;
  readonly p99Ms?: number;
  /** Failed calls, of all calls, connecting among them: 0.001 is a tenth of a percent. */
  readonly errors?: number;
  /** Expected pushes that came, of all expected: 1 is every one. */
  readonly delivered?: number;
}

/** A load test: what one user does, and how many there are. */
export interface Scenario {
  readonly name: string;
  /** So many users at a time; whoever is through is followed by another. This, or `rate`. */
  readonly stages?: readonly Stage[];
  readonly rate?: Arrivals;
  readonly thresholds?: Thresholds;
  /** One user, connected already. A rejection ends this user only. */
  run(bot: Bot): Promise<void>;
}

/**
 * Describes a load test, which `nano-bot run FILE` plays where FILE exports it as default.
 *
 * @throws TypeError Where it has neither `stages` nor `rate`, or both.
 * @throws RangeError On a number that makes no sense.
 */
export function scenario(scenario: Scenario): Scenario {
  const { name, stages, rate, thresholds = {} } = scenario;
  if ((stages === undefined) === (rate === undefined)) throw new TypeError(`scenario "${name}" wants either stages or a rate`);
  if (stages?.length === 0) throw new RangeError(`scenario "${name}" has no stage`);
  for (const { users, overMs } of stages ?? []) {
    if (!Number.isSafeInteger(users)) throw new RangeError(`users of a stage are a whole number, not ${users}`);
    check("users of a stage", users, 0);
    check("overMs of a stage", overMs, 0);
  }
  if (rate) {
    check("rate.perSecond", rate.perSecond, Number.MIN_VALUE);
    check("rate.forMs", rate.forMs, 0);
    check("rate.maxUsers", rate.maxUsers ?? 1, 1);
  }
  const { p50Ms, p95Ms, p99Ms, errors, delivered } = thresholds;
  for (const [key, ms] of Object.entries({ p50Ms, p95Ms, p99Ms })) check(`thresholds.${key}`, ms ?? 0, 0);
  for (const [key, share] of Object.entries({ errors, delivered })) check(`thresholds.${key}`, share ?? 0, 0, 1);
  return scenario;
}

function check(what: string, value: number, from: number, to = Number.MAX_SAFE_INTEGER): void {
  if (value >= from && value <= to) return;
  const range = to === 1 ? "from 0 to 1" : from === 0 ? "0 or more" : from === 1 ? "1 or more" : "more than 0";
  throw new RangeError(`${what} is ${range}, not ${value}`);
}
