import type { Clock } from "../clock/index.ts";
import type { Connection } from "./connection.ts";

/** Connections that have something to write: all that a turn adds to one leaves in one write, when the turn is over. */
export interface Flusher {
  add(connection: Connection): void;
  remove(connection: Connection): void;
}

/** Nothing to write yet. */
export function createFlusher(clock: Clock): Flusher {
  const dirty = new Set<Connection>();
  let waiting = false;

  function flush(): void {
    waiting = false;
    const turn = [...dirty];
    dirty.clear();
    for (const one of turn) one.flush();
  }

  return {
    add(connection) {
      dirty.add(connection);
      if (waiting) return;
      waiting = true;
      clock.soon(flush);
    },
    remove: (connection) => void dirty.delete(connection),
  };
}
