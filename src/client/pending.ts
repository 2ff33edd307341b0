import { type Clock, type Due, sharedDeadlineSweep } from "../clock/index.ts";
import { NanoError } from "../error/index.ts";

/** What a request came to: the body of its answer (only true during the call), or why there is none. */
export type Settle = (outcome: Uint8Array | NanoError) => void;

/** Requests without an answer. Each settles once. */
export interface PendingRequests {
  readonly size: number;
  /** Begins to wait; gives the id, which no other request of the client has. */
  add(route: string, timeoutMs: number, signal: AbortSignal | undefined, settle: Settle): number;
  settle(id: number, outcome: Uint8Array | NanoError): void;
  has(id: number): boolean;
  /** The ids of all, oldest first. */
  ids(): readonly number[];
  /** @param which The default is all. */
  failAll(reason: NanoError, which?: (id: number) => boolean): void;
}

/** One of them: what the sweep holds of it, and who is told. */
interface Waiting extends Due {
  readonly id: number;
  readonly settle: Settle;
  /** Undefined where no signal can give it up. */
  readonly unheard: (() => void) | undefined;
}

// Ids grow by one: that many of the last have a place each, by their id.
const places = 64;

/** None yet. */
export function createPendingRequests(clock: Clock): PendingRequests {
  const deadlines = sharedDeadlineSweep(clock);
  // Not a Map: of a client that rests between its requests, the tables outlive the young generation, and all that ever stood in them with it.
  const last = Array.from<Waiting | undefined>({ length: places });
  // Those whose place was wanted by a newer one.
  const older = new Map<number, Waiting>();
  let size = 0;
  let lastId = 0;

  function find(id: number): Waiting | undefined {
    const one = last[id % places];
    return one?.id === id ? one : older.get(id);
  }

  function put(one: Waiting): void {
    const place = one.id % places;
    const before = last[place];
    if (before) older.set(before.id, before);
    last[place] = one;
    size++;
  }

  function all(): readonly Waiting[] {
    return [...older.values(), ...last.filter((one) => one !== undefined)].sort((one, other) => one.id - other.id);
  }

  function settle(id: number, outcome: Uint8Array | NanoError): void {
    const one = find(id);
    if (!one) return;
    if (last[id % places] === one) last[id % places] = undefined;
    else older.delete(id);
    size--;
    deadlines.remove(one);
    one.unheard?.();
    one.settle(outcome);
  }

  /** Gives it up when the signal aborts. Gives what ends that. */
  function hear(signal: AbortSignal, id: number, route: string): () => void {
    const aborted = (): void =>
      settle(id, new NanoError({ code: "canceled", message: `${route} was given up`, cause: signal.reason }));
    signal.addEventListener("abort", aborted, { once: true });
    return () => signal.removeEventListener("abort", aborted);
  }

  return {
    get size() {
      return size;
    },
    add(route, timeoutMs, signal, settled) {
      const id = ++lastId;
      const one: Waiting = {
        id,
        deadlineMs: clock.now() + timeoutMs,
        place: undefined,
        settle: settled,
        unheard: signal && hear(signal, id, route),
        expire: () =>
          settle(id, new NanoError({ code: "deadline_exceeded", message: `${route} was not answered within ${timeoutMs} ms` })),
      };
      put(one);
      deadlines.add(one);
      return id;
    },
    settle,
    has: (id) => find(id) !== undefined,
    ids: () => all().map(({ id }) => id),
    failAll(reason, which = () => true) {
      for (const { id } of all()) if (which(id)) settle(id, reason);
    },
  };
}
