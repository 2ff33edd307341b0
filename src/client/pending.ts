import { type Clock, createDeadlineSweep, type Due } from "../clock/index.ts";
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

/** None yet. */
export function createPendingRequests(clock: Clock): PendingRequests {
  const deadlines = createDeadlineSweep(clock);
  const waiting = new Map<number, { readonly due: Due; readonly settle: Settle }>();
  let lastId = 0;

  function settle(id: number, outcome: Uint8Array | NanoError): void {
    const one = waiting.get(id);
    if (!one) return;
    waiting.delete(id);
    deadlines.remove(one.due);
    one.settle(outcome);
  }

  return {
    get size() {
      return waiting.size;
    },
    add(route, timeoutMs, signal, settled) {
      const id = ++lastId;
      const aborted = (): void =>
        settle(id, new NanoError({ code: "canceled", message: `${route} was given up`, cause: signal?.reason }));
      const due: Due = {
        deadlineMs: clock.now() + timeoutMs,
        expire: () =>
          settle(id, new NanoError({ code: "deadline_exceeded", message: `${route} was not answered within ${timeoutMs} ms` })),
      };
      waiting.set(id, {
        due,
        settle(outcome) {
          signal?.removeEventListener("abort", aborted);
          settled(outcome);
        },
      });
      deadlines.add(due);
      signal?.addEventListener("abort", aborted, { once: true });
      return id;
    },
    settle,
    has: (id) => waiting.has(id),
    ids: () => [...waiting.keys()],
    failAll(reason, which = () => true) {
      for (const id of [...waiting.keys()]) if (which(id)) settle(id, reason);
    },
  };
}
