import type { Clock, Random } from "../clock/index.ts";
import type { Logger } from "../logger/index.ts";
import type { RecordSeal } from "./record-seal.ts";
import type { Store } from "./store.ts";

/** Whether a server takes new work. */
export type ServerState = "starting" | "ready" | "draining";

/** What the cluster knows of a server. */
export interface ServerInfo {
  readonly id: string;
  /** Random, new at every start. */
  readonly incarnation: bigint;
  readonly types: readonly string[];
  readonly version: string;
  /** Whether it holds clients. */
  readonly frontend: boolean;
  /** Where the cluster port listens, as "10.0.0.1:4000". Empty: nowhere. */
  readonly addresses: readonly string[];
  readonly state: ServerState;
  /** The version of the protocol between servers. */
  readonly protocol: number;
  /** The SHA-256 of the schema, in hex. Empty: it answers nothing. */
  readonly schema: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** How it is asked: "unary", where it takes plain calls instead of a link. The default is "link". */
  readonly forward?: "link" | "unary";
}

/** What a server hears of the others, until it leaves. */
export interface DiscoveryEvents {
  /** All servers that are there, this one included, in any order, whenever anything changed: a record is never followed by an older one of the same server. */
  changed(servers: readonly ServerInfo[]): void;
  /** Another incarnation took this server's id: it must stop. At most once, and the last that is heard. */
  fenced(by: bigint): void;
  /**
   * Whether the registry answers, whenever that changes; true in the beginning. False comes before this server's lease can be over: the cluster goes on
   * with what it knows.
   */
  available(available: boolean): void;
}

/** What discovery may use of the server that joins. */
export interface DiscoveryHost {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** What records are signed by, and recognised, wherever others can write, too. */
  readonly seal: RecordSeal;
}

/** One server's place in the cluster. */
export interface Membership {
  /** What all servers remember together: where users are, and groups of users. */
  readonly store: Store;
  /** After how long a server that says nothing is gone. */
  readonly leaseMs: number;
  /**
   * Tells the others what changed, in the order of the calls. Rejects where the registry is out of reach: it is told when that is back. Throws NanoError
   * `invalid_argument` where the record is too large, and leaves what was there. Does nothing after `leave`, or when fenced.
   */
  update(self: ServerInfo): Promise<void>;
  /** The schema of a hash, gzipped (`nano.cluster.v1.Schema`); undefined where it is not known. */
  schema(hash: string): Promise<Uint8Array | undefined>;
  /** Takes the server's record away, and hears nothing more. Bounded in time; does nothing the second time. */
  leave(): Promise<void>;
}

/** Tells who is there. `checkDiscovery` of `nano-rpc/testing` looks whether one keeps what is said here. */
export interface Discovery {
  readonly name: string;
  /**
   * Writes the server's record, over that of another incarnation under its id, and its schema, which stays; resolves after the first `changed`, with all
   * that are there. Rejects where it cannot within 10 s.
   */
  join(self: ServerInfo, schema: Uint8Array | undefined, events: DiscoveryEvents, host: DiscoveryHost): Promise<Membership>;
}
