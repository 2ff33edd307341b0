/** Something done for a session. It calls `done` once, at any time: then the next one begins. */
export type Work = (done: () => void) => void;

/** What one server does for one session: one thing after the other, in order. */
export class Mailbox {
  // Made when it is needed: there are many mailboxes, and most of them empty.
  #waiting: Work[] | undefined;
  #busy = false;

  /** Things that wait or are being done. */
  get length(): number {
    return (this.#waiting?.length ?? 0) + (this.#busy ? 1 : 0);
  }

  get busy(): boolean {
    return this.#busy;
  }

  /** Does it now if nothing is going on, else after what came before. */
  add(work: Work): void {
    if (!this.#busy) this.#run(work);
    else if (this.#waiting) this.#waiting.push(work);
    else this.#waiting = [work];
  }

  #run(first: Work): void {
    this.#busy = true;
    let work: Work | undefined = first;
    // A loop, since works that finish at once would nest as deep as the queue is long.
    while (work) {
      let inside = true;
      let finished = false;
      work(() => {
        if (finished) return;
        finished = true;
        if (!inside) this.#next();
      });
      inside = false;
      if (!finished) return;
      work = this.#waiting?.shift();
    }
    this.#busy = false;
  }

  #next(): void {
    const work = this.#waiting?.shift();
    if (work) this.#run(work);
    else this.#busy = false;
  }
}
