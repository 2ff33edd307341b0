import type { LimitCounts } from "../metrics/index.ts";
import { addressKey } from "../net/index.ts";
import type { Refusal } from "./authenticate.ts";
import type { ResolvedLimits } from "./limits.ts";

/** Who may be connected: counts all, those of each address, and those that nobody knows yet. */
export interface Door {
  readonly connections: number;
  /** How many sockets there may be at once, those that are closing included. */
  readonly maxSockets: number;
  /** Whether so many sockets are closing that none more can be waited for. */
  readonly crowded: boolean;
  /** Reckons with what the system allows. False where that is less than the limit. */
  measure(spareSockets: number | undefined): boolean;
  /** Lets a socket in, or says why not. Either way it is one until `released`. */
  enter(remoteAddress: string): Refusal | undefined;
  /** One that was let in has acknowledged its handshake. */
  acknowledged(): void;
  /** One that was let in is gone. */
  left(remoteAddress: string, acknowledged: boolean): void;
  /** A socket is gone altogether. */
  released(): void;
}

/** What a door is made of. */
export interface DoorOptions {
  readonly limits: ResolvedLimits;
  readonly hits: LimitCounts;
  /** How many connections have a user; undefined where nobody needs to. */
  readonly bound: () => number | undefined;
}

// How many sockets may be closing, each for as long as its peer takes, before others are closed without waiting.
const mostClosing = 1_000;
// What links, discovery and the goodbyes of those who are turned away may need, at most.
const mostReserved = 256;

/** Nobody is in. */
export function createDoor({ limits, hits, bound }: DoorOptions): Door {
  const perAddress = new Map<string, number>();
  let connections = 0;
  let waiting = 0;
  let sockets = 0;
  let most = limits.connections;
  let closing = mostClosing;

  function unauthenticated(): number {
    const known = bound();
    return known === undefined ? waiting : connections - known;
  }

  function refuse(limit: "connections" | "unauthenticated" | "connectionsPerAddress"): Refusal {
    hits[limit]++;
    if (limit === "connectionsPerAddress") {
      return { code: "resource_exhausted", reason: `over ${limits.connectionsPerAddress} connections come from this address` };
    }
    return { code: "busy", reason: limit === "connections" ? "the server is full" : "too many clients come in at once" };
  }

  return {
    get connections() {
      return connections;
    },
    get maxSockets() {
      return most + closing;
    },
    get crowded() {
      return sockets - connections > closing;
    },
    measure(spareSockets) {
      if (spareSockets === undefined) return true;
      const reserved = Math.min(mostReserved, Math.ceil(spareSockets / 5));
      most = Math.min(limits.connections, Math.max(1, spareSockets - reserved));
      closing = Math.min(mostClosing, Math.floor(Math.max(spareSockets - limits.connections, reserved) / 2));
      return most === limits.connections;
    },
    enter(remoteAddress) {
      sockets++;
      const address = addressKey(remoteAddress);
      const ofAddress = address === undefined ? 0 : (perAddress.get(address) ?? 0);
      if (ofAddress >= limits.connectionsPerAddress) return refuse("connectionsPerAddress");
      if (connections >= most) return refuse("connections");
      if (unauthenticated() >= limits.unauthenticated) return refuse("unauthenticated");
      connections++;
      waiting++;
      if (address !== undefined) perAddress.set(address, ofAddress + 1);
      return undefined;
    },
    acknowledged: () => {
      waiting--;
    },
    left(remoteAddress, acknowledged) {
      connections--;
      if (!acknowledged) waiting--;
      const address = addressKey(remoteAddress);
      if (address === undefined) return;
      const rest = (perAddress.get(address) ?? 1) - 1;
      if (rest > 0) perAddress.set(address, rest);
      else perAddress.delete(address);
    },
    released: () => {
      sockets--;
    },
  };
}
