import type { Clock } from "../clock/index.ts";
import type { Connection } from "./connection.ts";

/** Connections that have something to write: all that a turn adds to one leaves in one write, when the turn is over. */
export interface Flusher {
  add(connection: Connection): void;
  remove(connection: Connection): void;
}

/** Nothing to write yet. */
export function createFlusher(clock: Clock): Flusher {
  let dirty: Connection[] = [];
  let waiting = false;

  function flush(): void {
    waiting = false;
    const turn = dirty;
    dirty = [];
    for (const connection of turn) {
      if (!connection.dirty) continue;
      connection.dirty = false;
      connection.flush();
    }
  }

  return {
    add(connection) {
      if (connection.dirty) return;
      connection.dirty = true;
      // What it reads is answered by then, as far as it is answered at once.
      if (connection.reading) return;
      dirty.push(connection);
      if (waiting) return;
      waiting = true;
      clock.soon(flush);
    },
    remove(connection) {
      connection.dirty = false;
    },
  };
}
