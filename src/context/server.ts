import type { ServerInfo } from "../discovery/index.ts";
import type { Logger } from "../logger/index.ts";
import type { Metrics, ServerCounters } from "../metrics/index.ts";
import type { Cluster } from "./cluster.ts";
import type { Readiness } from "./readiness.ts";

/** One server of a cluster. */
export interface Server extends Cluster {
  readonly id: string;
  readonly types: readonly string[];
  readonly info: ServerInfo;
  /** Where each acceptor listens, by its name, `cluster` and `http`. Filled by `start`. */
  readonly addresses: Readonly<Record<string, string>>;
  readonly log: Logger;
  /** What was counted: live structs of numbers that only grow. */
  readonly counters: ServerCounters;
  /** Where the application counts what is its own: reporters take it out with the rest. */
  readonly metrics: Metrics;
  /** Whether it takes new work. Ask as often as you like: it looks at nothing but itself. Whether links can be opened is found out when `/readyz` is asked. */
  readonly readiness: Readiness;
  /**
   * Replaces what discovery tells of this server beside its address and state, as which map it serves. Resolves when it is written; rejects with
   * `unavailable` or `deadline_exceeded` while discovery is out of reach: then it is told when that is back. Throws `invalid_argument`, and leaves what
   * was there, where the record would be over 4 KiB.
   */
  setMetadata(metadata: Readonly<Record<string, string>>): Promise<void>;
  /** Resolves when everything serves. A failure stops, in reverse, what had started, and is thrown. Throws `failed_precondition` after `stop`. */
  start(): Promise<void>;
  /**
   * Takes nothing new, serves what is its own, lets its clients go (`moved`), and waits for what is in flight: for at most `graceMs` (that of the
   * server's options: 30,000). It stays
   * there afterwards, until `stop`. Gives the same promise each time, which never rejects; a later `graceMs` may only shorten the time. Called
   * during `start`, it begins when that is over.
   */
  drain(options?: { readonly graceMs?: number }): Promise<void>;
  /** Drains for at most `graceMs` (as `drain` does), or the rest of it where a drain is under way, then closes. Gives the same promise each time. */
  stop(options?: { readonly graceMs?: number }): Promise<void>;
}
