/** Watches whether a peer takes anything of what was written to it. */
export class WriteProgress {
  #taken = 0;
  #sinceMs = Number.POSITIVE_INFINITY;

  /**
   * Looks again, now and then. Gives whether a peer has taken nothing for too long: the system says of a write that it is done only when
   * all of it is, so whoever has much before it is given more time.
   */
  stalled(nowMs: number, writtenBytes: number, queuedBytes: number, patienceMs: number): boolean {
    const taken = writtenBytes - queuedBytes;
    const waits = queuedBytes > 0 && taken === this.#taken;
    this.#taken = taken;
    if (!waits) this.#sinceMs = Number.POSITIVE_INFINITY;
    else if (this.#sinceMs === Number.POSITIVE_INFINITY) this.#sinceMs = nowMs;
    return waits && nowMs - this.#sinceMs >= patienceMs * (1 + Math.floor(queuedBytes / pieceBytes));
  }
}

const pieceBytes = 128 * 1_024;
