import type { Clock } from "../clock/index.ts";
import type { Connection } from "./connection.ts";

// Of so many at a time it is looked first who has something to write, and written then. What is looked at comes from far memory, and with nothing between
// it comes for several at once; each write to the system would make the next one wait for it alone.
const few = 16;

// Of so many that one turn gives something to, some are written to at once: while all others are walked through, their readers have work already, on another
// core or another machine. What the turn has more for them is a second write of those few. Where the last turn with many had only one thing for each, and
// no more than these, the others are written to as they come: memory is near still, and readers never run dry.
const walked = 1_024;
const early = 64;

/**
 * Connections that have something to write: all that a turn adds to one leaves in one write, when the turn is over. Of many a few begin, or all where it is
 * likely that the turn has one thing for each.
 */
export interface Flusher {
  add(connection: Connection): void;
  remove(connection: Connection): void;
}

/** Nothing to write yet. */
export function createFlusher(clock: Clock): Flusher {
  let dirty: Connection[] = [];
  let waiting = false;
  let turn = 1;
  // How many had something in this turn, and how often one had something more.
  let added = 0;
  let again = 0;
  // Whether the next turn with many is likely to have one thing for each.
  let single = false;

  function flush(): void {
    waiting = false;
    if (added >= early) single = added <= walked && again < few;
    added = again = 0;
    turn = (turn + 1) | 0;
    const rest = dirty;
    dirty = [];
    write(rest);
  }

  function write(connections: readonly Connection[]): void {
    const some: Connection[] = [];
    for (let from = 0; from < connections.length; from += few) {
      let count = 0;
      for (let at = from; at < from + few && at < connections.length; at++) {
        const connection = connections[at];
        if (!connection?.dirty) continue;
        connection.dirty = false;
        if (connection.waits) some[count++] = connection;
      }
      for (let at = 0; at < count; at++) some[at]?.flush();
    }
  }

  return {
    add(connection) {
      // What it reads is answered by then, as far as it is answered at once.
      if (connection.reading) {
        connection.dirty = true;
        return;
      }
      const first = connection.turn !== turn;
      connection.turn = turn;
      if (first) added++;
      else again++;
      if (connection.dirty) return;
      connection.dirty = true;
      dirty.push(connection);
      if (first && added % walked === early) write(dirty.splice(-early));
      else if (first && single && added > early && again < few && dirty.length >= few) write(dirty.splice(0));
      if (waiting) return;
      waiting = true;
      clock.soon(flush);
    },
    remove(connection) {
      connection.dirty = false;
    },
  };
}
