/** Something done for a session. When it is over, at once or at any later time, it says so: `mailbox.finished(work)`. */
export interface Work {
  /** Its turn has come. */
  begin(): void;
}

/** What one server does for one session: one thing after the other, in order. */
export class Mailbox {
  // Made when it is needed: there are many mailboxes, and most of them empty.
  #waiting: Work[] | undefined;
  #current: Work | undefined;
  // Whether it begins just now, and is over already.
  #beginning = false;
  #over = false;

  /** Things that wait or are being done. */
  get length(): number {
    return (this.#waiting?.length ?? 0) + (this.#current ? 1 : 0);
  }

  get busy(): boolean {
    return this.#current !== undefined;
  }

  /** Does it now if nothing is going on, else after what came before. */
  add(work: Work): void {
    if (!this.#current) this.#run(work);
    else if (this.#waiting) this.#waiting.push(work);
    else this.#waiting = [work];
  }

  /** Lets the next one begin. Of a work that has said so before it says nothing. */
  finished(work: Work): void {
    if (work !== this.#current) return;
    // What is over while it begins is followed by the loop that began it: else works would nest as deep as the queue is long.
    if (this.#beginning) this.#over = true;
    else this.#next();
  }

  #run(first: Work): void {
    let work: Work | undefined = first;
    while (work) {
      this.#current = work;
      this.#beginning = true;
      this.#over = false;
      work.begin();
      this.#beginning = false;
      if (!this.#over) return;
      work = this.#waiting?.shift();
    }
    this.#current = undefined;
  }

  #next(): void {
    const work = this.#waiting?.shift();
    if (work) this.#run(work);
    else this.#current = undefined;
  }
}
