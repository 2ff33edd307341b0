/** What must hold of all calls together, or of one route. */
export interface CallThresholds {
  /** Half of all answered calls took no longer; connecting is not among them. */
  readonly p50Ms?: number;
  readonly p95Ms?: number;
  readonly p99Ms?: number;
  readonly maxMs?: number;
  /** Failed calls, of all calls, connecting among them: 0.001 is a tenth of a percent. */
  readonly errors?: number;
}

/** What must hold in the end. */
export interface Thresholds extends CallThresholds {
  /** Pushes that came, of all expected: 1 is every one. */
  readonly delivered?: number;
  /** Pushes that came twice: 0 is none. */
  readonly duplicates?: number;
  /** Of all pushes whose time is known. */
  readonly pushP99Ms?: number;
  /** Connections that came back with nothing lost (`resume`, `moved`), of all that broke. */
  readonly resumed?: number;
  /** What `bot.check` saw hold, of all it checked. The default is 1: one that does not hold fails the run. */
  readonly checks?: number;
  /** Thresholds of single routes; `(connect)` is the way in. */
  readonly routes?: { readonly [route: string]: CallThresholds };
  /** Thresholds as text: `p99<50ms`, `errors<0.1%`, `delivered=100%`, `p95(room.room.join)<=20ms`. */
  readonly also?: readonly string[];
}

/** What a threshold can be about. */
export const subjects = {
  ...{ p50: "ms", p95: "ms", p99: "ms", max: "ms", push_p99: "ms" },
  ...{ errors: "share", delivered: "share", duplicates: "count", resumed: "share", checks: "share" },
} as const;

export type Subject = keyof typeof subjects;
export type Relation = "<" | "<=" | "=" | ">=" | ">";

/** One threshold. */
export interface Threshold {
  readonly subject: Subject;
  readonly route: string | undefined;
  readonly relation: Relation;
  /** Milliseconds, a share from 0 to 1, or a number. */
  readonly limit: number;
}

const ofRoutes: readonly Subject[] = ["p50", "p95", "p99", "max", "errors"];
const form = /^(\w+)(?:\(([^)]+)\))?(<=|>=|<|>|=)(\d+(?:\.\d+)?)(ms|s|%)?$/;

/**
 * Reads a threshold.
 *
 * @throws TypeError On what is none, with what it should be.
 */
export function parseThreshold(text: string): Threshold {
  const [, subject = "", route, relation, number, unit] = form.exec(text.replaceAll(/\s/g, "")) ?? [];
  if (!Object.hasOwn(subjects, subject)) {
    throw new TypeError(
      `"${text}" is no threshold: as p99<50ms, errors<0.1%, delivered=100%; there are ${Object.keys(subjects).join(", ")}`,
    );
  }
  const known = subject as Subject;
  const kind = subjects[known];
  if (route !== undefined && !ofRoutes.includes(known)) throw new TypeError(`"${text}": ${subject} is not about one route`);
  if (kind === "ms" && unit !== "ms" && unit !== "s")
    throw new TypeError(`"${text}": ${subject} wants ms or s behind its number`);
  if (kind !== "ms" && (unit === "ms" || unit === "s")) throw new TypeError(`"${text}": ${subject} is no time`);
  if (kind === "count" && unit === "%") throw new TypeError(`"${text}": ${subject} is a number, not a share`);
  const limit = Number(number) * (unit === "s" ? 1_000 : unit === "%" ? 0.01 : 1);
  if (kind === "share" && limit > 1) throw new TypeError(`"${text}": ${subject} is at most 100%`);
  return { subject: known, route, relation: relation as Relation, limit };
}

/** All thresholds that were given, one by one. Throws a TypeError on a text that is none. */
export function thresholdsOf(given: Thresholds): readonly Threshold[] {
  const { delivered, duplicates, pushP99Ms, resumed, checks = 1, routes = {}, also = [] } = given;
  const one = (subject: Subject, relation: Relation, limit: number | undefined, route?: string): readonly Threshold[] =>
    limit === undefined ? [] : [{ subject, route, relation, limit }];
  const ofCalls = ({ p50Ms, p95Ms, p99Ms, maxMs, errors }: CallThresholds, route?: string): readonly Threshold[] => [
    ...one("p50", "<=", p50Ms, route),
    ...one("p95", "<=", p95Ms, route),
    ...one("p99", "<=", p99Ms, route),
    ...one("max", "<=", maxMs, route),
    ...one("errors", "<=", errors, route),
  ];
  const said = also.map(parseThreshold);
  return [
    ...ofCalls(given),
    ...Object.entries(routes).flatMap(([route, limits]) => ofCalls(limits, route)),
    ...one("delivered", ">=", delivered),
    ...one("duplicates", "<=", duplicates),
    ...one("push_p99", "<=", pushP99Ms),
    ...one("resumed", ">=", resumed),
    ...(said.some(({ subject }) => subject === "checks") ? [] : one("checks", ">=", checks)),
    ...said,
  ];
}
