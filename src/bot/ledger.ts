import type { ClientState } from "../client/index.ts";
import { Counters } from "./counters.ts";
import { createHistogram, type Histogram } from "./histogram.ts";
import type { CallTally, PushTally, Tally } from "./tally.ts";

/** Writes down what bots see. */
export interface Ledger {
  began(): void;
  /** Not among the calls: how long the way in takes says little about them. */
  connected(durationMs: number): void;
  answered(route: string, durationMs: number): void;
  failed(route: string, code: string): void;
  /** Pushes that are to come. */
  due(route: string, count: number): void;
  /** One of them. @param durationMs Undefined where nobody knows. */
  came(route: string, durationMs: number | undefined): void;
  /** One that had come before. */
  cameTwice(route: string): void;
  /** How a connection fares. */
  state(state: ClientState, before: ClientState): void;
  checked(what: string, holds: boolean): void;
  /** A run that ended early, and why. */
  broke(why: string): void;
  /** What happened since it was last asked, but for what the process itself did. */
  take(users: number): Omit<Tally, "busy">;
}

/** The way in, where it stands among the routes. */
export const connecting = "(connect)";

interface Calls {
  readonly took: Histogram;
  readonly errors: Counters;
}

interface Pushes {
  readonly took: Histogram;
  due: number;
  came: number;
  duplicates: number;
}

export function createLedger(): Ledger {
  const calls = new Map<string, Calls>();
  const pushes = new Map<string, Pushes>();
  const [returns, held, unheld, broken] = [new Counters(), new Counters(), new Counters(), new Counters()];
  let connections = 0;
  let begun = 0;
  let drops = 0;

  const callsOf = (route: string): Calls => entry(calls, route, noCalls);
  const pushesOf = (route: string): Pushes => entry(pushes, route, noPushes);

  return {
    began: () => void begun++,
    connected: (durationMs) => callsOf(connecting).took.add(durationMs),
    answered: (route, durationMs) => callsOf(route).took.add(durationMs),
    failed: (route, code) => callsOf(route).errors.add(code),
    due(route, count) {
      pushesOf(route).due += count;
    },
    came(route, durationMs) {
      const of = pushesOf(route);
      of.came++;
      if (durationMs !== undefined) of.took.add(durationMs);
    },
    cameTwice(route) {
      pushesOf(route).duplicates++;
    },
    state(state, before) {
      if (before.name === "open" && state.name !== "open") {
        connections--;
        if (state.name !== "closed") drops++;
      }
      if (state.name === "open" && before.name !== "open") {
        connections++;
        if (state.via !== "first") returns.add(state.via);
      }
    },
    checked: (what, holds) => (holds ? held : unheld).add(what),
    broke: (why) => broken.add(why),
    take(users) {
      const tally = {
        ...{ users, connections, begun, drops, calls: taken(calls, takeCalls), pushes: taken(pushes, takePushes) },
        ...{ returns: returns.take(), held: held.take(), unheld: unheld.take(), broken: broken.take() },
      };
      begun = drops = 0;
      return tally;
    },
  };
}

function noCalls(): Calls {
  return { took: createHistogram(), errors: new Counters() };
}

function noPushes(): Pushes {
  return { took: createHistogram(), due: 0, came: 0, duplicates: 0 };
}

function takeCalls({ took, errors }: Calls): CallTally {
  const taken = { took: took.counts(), errors: errors.take() };
  took.clear();
  return taken;
}

function takePushes(of: Pushes): PushTally {
  const taken = { took: of.took.counts(), expected: of.due, came: of.came, duplicates: of.duplicates };
  of.took.clear();
  of.due = of.came = of.duplicates = 0;
  return taken;
}

function taken<V, T>(map: ReadonlyMap<string, V>, take: (value: V) => T): { readonly [name: string]: T } {
  return Object.fromEntries([...map].map(([name, value]) => [name, take(value)]));
}

/** What a map has under a key, made where it has nothing. */
export function entry<V>(map: Map<string, V>, key: string, make: () => V): V {
  const there = map.get(key);
  if (there) return there;
  const made = make();
  map.set(key, made);
  return made;
}
