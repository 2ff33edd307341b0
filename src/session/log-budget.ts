import type { PushCounts } from "../metrics/index.ts";

/** What the logs of all sessions count together. */
export interface LogCounts {
  /** Of the class `latest`: a newer one took their place. */
  pushesCollapsed: number;
  /** Of the class `droppable`: there was no room. */
  pushesDropped: number;
  /** They went to a client that had come back, again or late. */
  readonly pushesReplayed: PushCounts;
}

/** What the logs of all sessions hold together, and what became of pushes in them. */
export class LogBudget {
  /** Bytes that are held now. */
  bytes = 0;
  readonly counts: LogCounts;
  readonly #mostBytes: number;

  constructor(mostBytes: number, counts: LogCounts) {
    this.#mostBytes = mostBytes;
    this.counts = counts;
  }

  get over(): boolean {
    return this.bytes > this.#mostBytes;
  }
}
