import type { LimitCounts } from "../metrics/index.ts";
import { addressKey } from "./address-key.ts";
import type { Refusal } from "./authenticate.ts";
import type { ResolvedLimits } from "./limits.ts";

/** Who may be connected: counts all, those of each address, and those that nobody knows yet. */
export interface Door {
  readonly connections: number;
  /** Lets a socket in, or says why not. */
  enter(remoteAddress: string): Refusal | undefined;
  /** One that was let in has acknowledged its handshake. */
  acknowledged(): void;
  /** One that was let in is gone. */
  left(remoteAddress: string, acknowledged: boolean): void;
}

/** What a door is made of. */
export interface DoorOptions {
  readonly limits: ResolvedLimits;
  readonly hits: LimitCounts;
  /** How many connections the system can carry. */
  readonly most: () => number;
  /** How many connections have a user; undefined where nobody needs to. */
  readonly bound: () => number | undefined;
}

/** Nobody is in. */
export function createDoor({ limits, hits, most, bound }: DoorOptions): Door {
  const perAddress = new Map<string, number>();
  let connections = 0;
  let waiting = 0;

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
    enter(remoteAddress) {
      const address = addressKey(remoteAddress);
      const ofAddress = address === undefined ? 0 : (perAddress.get(address) ?? 0);
      if (ofAddress >= limits.connectionsPerAddress) return refuse("connectionsPerAddress");
      if (connections >= most()) return refuse("connections");
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
  };
}
