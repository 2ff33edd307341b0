import { type Clock, type Due, sharedDeadlineSweep } from "../clock/index.ts";
import { NanoError } from "../error/index.ts";
import { onAbort } from "./on-abort.ts";

/** What a request came to: why there is no answer, or a buffer in which its body stands, from `from` up to `to` (only true during the call). */
export type Settle = (outcome: Uint8Array | NanoError, from: number, to: number) => void;

/** One request: what the sweep holds of it, and who is told. */
interface Waiting extends Due {
  readonly id: number;
  readonly route: string;
  readonly timeoutMs: number;
  readonly settle: Settle;
  /** What ends that a signal gives it up; undefined where none can. */
  readonly unheard: (() => void) | undefined;
  readonly all: PendingRequests;
}

// One for all: functions of their own would be a part of what requests take.
function expire(this: Waiting): void {
  const message = `${this.route} was not answered within ${this.timeoutMs} ms`;
  this.all.fail(this.id, new NanoError({ code: "deadline_exceeded", message }));
}

// Ids grow by one: that many of the last have a place each, by their id.
const places = 64;

/** Requests without an answer. Each settles once. */
export class PendingRequests {
  readonly #clock: Clock;
  readonly #deadlines: ReturnType<typeof sharedDeadlineSweep>;
  // Not a Map: of a client that rests between its requests, the tables outlive the young generation, and all that ever stood in them with it.
  readonly #last = Array.from<Waiting | undefined>({ length: places });
  // Those whose place was wanted by a newer one.
  readonly #older = new Map<number, Waiting>();
  #size = 0;
  #lastId = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#deadlines = sharedDeadlineSweep(clock);
  }

  get size(): number {
    return this.#size;
  }

  /** Begins to wait; gives the id, which no other request of the client has. */
  add(route: string, timeoutMs: number, signal: AbortSignal | undefined, settle: Settle): number {
    const id = ++this.#lastId;
    const deadlineMs = this.#clock.now() + timeoutMs;
    const unheard = signal && this.#hear(signal, id, route);
    const one: Waiting = { id, route, timeoutMs, deadlineMs, place: undefined, settle, unheard, all: this, expire };
    const before = this.#last[id % places];
    if (before) this.#older.set(before.id, before);
    this.#last[id % places] = one;
    this.#size++;
    this.#deadlines.add(one);
    return id;
  }

  /** Gives it up when the signal aborts. Gives what ends that. */
  #hear(signal: AbortSignal, id: number, route: string): () => void {
    return onAbort(signal, () =>
      this.fail(id, new NanoError({ code: "canceled", message: `${route} was given up`, cause: signal.reason })),
    );
  }

  fail(id: number, reason: NanoError): void {
    this.settle(id, reason, 0, 0);
  }

  settle(id: number, outcome: Uint8Array | NanoError, from: number, to: number): void {
    const one = this.#find(id);
    if (!one) return;
    if (!this.#older.delete(id)) this.#last[id % places] = undefined;
    this.#size--;
    this.#deadlines.remove(one);
    one.unheard?.();
    one.settle(outcome, from, to);
  }

  has(id: number): boolean {
    return this.#find(id) !== undefined;
  }

  /** The ids of all, oldest first. */
  ids(): readonly number[] {
    const all = [...this.#older.values(), ...this.#last.filter((one) => one !== undefined)];
    return all.map(({ id }) => id).sort((one, other) => one - other);
  }

  /** @param which The default is all. */
  failAll(reason: NanoError, which: (id: number) => boolean = () => true): void {
    for (const id of this.ids()) if (which(id)) this.fail(id, reason);
  }

  #find(id: number): Waiting | undefined {
    const one = this.#last[id % places];
    return one?.id === id ? one : this.#older.get(id);
  }
}
