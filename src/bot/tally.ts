import type { Busyness } from "./busyness.ts";
import type { Counts } from "./histogram.ts";

/** How often something was, by name. */
export type Numbers = { readonly [name: string]: number };

/** What happened on one route. */
export interface CallTally {
  readonly took: Counts;
  /** By code. */
  readonly errors: Numbers;
}

/** Pushes of one route. */
export interface PushTally {
  /** Of those that came; those whose time is not known are not among them. */
  readonly took: Counts;
  readonly expected: number;
  readonly came: number;
  readonly duplicates: number;
}

/** What bots saw in a while. Tallies add up, and travel between processes. */
export interface Tally {
  /** As it is now. */
  readonly users: number;
  /** As it is now. */
  readonly connections: number;
  /** Of the process. */
  readonly busy: Busyness;
  /** Users that came in this while. */
  readonly begun: number;
  readonly calls: { readonly [route: string]: CallTally };
  readonly pushes: { readonly [route: string]: PushTally };
  /** Connections that broke. */
  readonly drops: number;
  /** Connections that came back, by how: `resume`, `moved`, `reset`. */
  readonly returns: Numbers;
  /** Checks that held, by what was checked. */
  readonly held: Numbers;
  readonly unheld: Numbers;
  /** Users that ended early, by reason. */
  readonly broken: Numbers;
}
