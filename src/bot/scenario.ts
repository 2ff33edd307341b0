import type { Bot } from "./bot.ts";
import { type CallThresholds, type Thresholds, thresholdsOf } from "./thresholds.ts";

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

/** So many users, each of them once: the run is over when all are through. */
export interface Once {
  readonly users: number;
  /** They come in evenly over this time. The default is 0, all at once. */
  readonly overMs?: number;
  /** The run ends then, whoever is not through. The default is 600,000. */
  readonly withinMs?: number;
}

/** A load test: what one user does, and how many there are. */
export interface Scenario {
  readonly name: string;
  /** So many users at a time; whoever is through is followed by another. This, or `rate`, or `once`. */
  readonly stages?: readonly Stage[];
  readonly rate?: Arrivals;
  readonly once?: Once;
  readonly thresholds?: Thresholds;
  /** What the handshake of a user tells as its `user`: a token, a password. The default is nothing. */
  credentials?(index: number): object;
  /** One user, connected already. A rejection ends this user only. */
  run(bot: Bot): Promise<void>;
}

/**
 * Describes a load test, which `nano-bot run FILE` plays where FILE exports it as default.
 *
 * @throws TypeError Where it has not exactly one of `stages`, `rate` and `once`, or a threshold that is none.
 * @throws RangeError On a number that makes no sense.
 */
export function scenario(scenario: Scenario): Scenario {
  const { name, stages, rate, once, thresholds = {} } = scenario;
  if ([stages, rate, once].filter((one) => one !== undefined).length !== 1)
    throw new TypeError(`scenario "${name}" wants either stages, or a rate, or once`);
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
  if (once) {
    if (!Number.isSafeInteger(once.users)) throw new RangeError(`once.users is a whole number, not ${once.users}`);
    check("once.users", once.users, 1);
    check("once.overMs", once.overMs ?? 0, 0);
    check("once.withinMs", once.withinMs ?? 1, 1);
  }
  const { delivered, resumed, checks, duplicates, pushP99Ms, routes = {} } = thresholds;
  for (const [where, limits] of [["", thresholds], ...Object.entries(routes)] as const) checkCalls(where, limits);
  for (const [key, share] of Object.entries({ delivered, resumed, checks })) check(`thresholds.${key}`, share ?? 0, 0, 1);
  for (const [key, limit] of Object.entries({ duplicates, pushP99Ms })) check(`thresholds.${key}`, limit ?? 0, 0);
  thresholdsOf(thresholds);
  return scenario;
}

function checkCalls(route: string, { p50Ms, p95Ms, p99Ms, maxMs, errors }: CallThresholds): void {
  const place = route === "" ? "thresholds" : `thresholds.routes["${route}"]`;
  for (const [key, ms] of Object.entries({ p50Ms, p95Ms, p99Ms, maxMs })) check(`${place}.${key}`, ms ?? 0, 0);
  check(`${place}.errors`, errors ?? 0, 0, 1);
}

function check(what: string, value: number, from: number, to = Number.MAX_SAFE_INTEGER): void {
  if (value >= from && value <= to) return;
  const range = to === 1 ? "from 0 to 1" : from === 0 ? "0 or more" : from === 1 ? "1 or more" : "more than 0";
  throw new RangeError(`${what} is ${range}, not ${value}`);
}
