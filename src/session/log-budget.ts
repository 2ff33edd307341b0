/** What the logs of all sessions hold together, and what gave way in them. */
export class LogBudget {
  /** Bytes that are held now. */
  bytes = 0;
  /** Where it is counted what gave way: `latest` pushes to a newer one, `droppable` ones to the bound. */
  readonly counts: { pushesCollapsed: number; pushesDropped: number };
  readonly #mostBytes: number;

  constructor(mostBytes: number, counts: LogBudget["counts"]) {
    this.#mostBytes = mostBytes;
    this.counts = counts;
  }

  get over(): boolean {
    return this.bytes > this.#mostBytes;
  }
}
