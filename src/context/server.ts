import type { ServerInfo } from "../discovery/index.ts";
import type { Logger } from "../logger/index.ts";
import type { ServerCounters } from "../metrics/index.ts";
import type { Cluster } from "./cluster.ts";

/** One server of a cluster. */
export interface Server extends Cluster {
  readonly id: string;
  readonly types: readonly string[];
  readonly info: ServerInfo;
  /** Where each acceptor listens, by its name, and `cluster`. Filled by `start`. */
  readonly addresses: Readonly<Record<string, string>>;
  readonly log: Logger;
  /** What was counted: live structs of numbers that only grow. */
  readonly counters: ServerCounters;
  /** Resolves when everything serves. A failure stops, in reverse, what had started, and is thrown. */
  start(): Promise<void>;
  /** Takes nothing new, finishes what is there, lets its clients go (`moved`). */
  drain(): Promise<void>;
  /** Drains for at most `graceMs` (30,000), then closes. The second call waits for the first. */
  stop(options?: { readonly graceMs?: number }): Promise<void>;
}
