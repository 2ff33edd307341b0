import type { Clock } from "../clock/index.ts";
import type { Connection } from "./connection.ts";

// Of so many at a time it is looked first who has something to write, and written then. What is looked at comes from far memory, and with nothing between
// it comes for several at once; each write to the system would make the next one wait for it alone.
const few = 16;

// Of so many that one turn gives something to, some are written to at once: while all others are walked through, their readers have work already, on another
// core or another machine. What the turn has more for them is a second write of those few.
const walked = 1_024;
const early = 64;

/** Connections that have something to write: all that a turn adds to one leaves in one write, when the turn is over. Of very many a few begin. */
export interface Flusher {
  add(connection: Connection): void;
  remove(connection: Connection): void;
}

/** Nothing to write yet. */
export function createFlusher(clock: Clock): Flusher {
  let dirty: Connection[] = [];
  let waiting = false;
  // How many in this turn.
  let added = 0;

  function flush(): void {
    waiting = false;
    added = 0;
    const turn = dirty;
    dirty = [];
    write(turn);
  }

  function write(turn: readonly Connection[]): void {
    const some: Connection[] = [];
    for (let from = 0; from < turn.length; from += few) {
      let count = 0;
      for (let at = from; at < from + few && at < turn.length; at++) {
        const connection = turn[at];
        if (!connection?.dirty) continue;
        connection.dirty = false;
        if (connection.waits) some[count++] = connection;
      }
      for (let at = 0; at < count; at++) some[at]?.flush();
    }
  }

  return {
    add(connection) {
      if (connection.dirty) return;
      connection.dirty = true;
      // What it reads is answered by then, as far as it is answered at once.
      if (connection.reading) return;
      dirty.push(connection);
      if (++added % walked === early) write(dirty.splice(-early));
      if (waiting) return;
      waiting = true;
      clock.soon(flush);
    },
    remove(connection) {
      connection.dirty = false;
    },
  };
}
