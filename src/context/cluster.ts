import type { Call, CallOptions, RemoteService } from "../contract/index.ts";
import type { ServerInfo } from "../discovery/index.ts";
import type { NanoError } from "../error/index.ts";
import type { Group } from "../group/index.ts";
import type { Session } from "../session/index.ts";
import type { UserGroup, Users } from "../user/index.ts";
import type { ModuleKey } from "./lifecycle.ts";
import type { Timers } from "./timers.ts";

/** Where a remote call goes, when the schema's rule is not meant. */
export type RemoteTarget = { readonly server: string } | { readonly key: string | number | bigint };

/** What one server of many answered. */
export type ServerResult<T, E extends NanoError> = { readonly server: ServerInfo } & (
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: E }
);

/** A caller that asks every server, and gets an answer or a failure from each. */
export type EveryServer<C> = {
  readonly [M in keyof C]: C[M] extends (request: infer I, options?: CallOptions) => Call<infer T, infer E>
    ? (request: I, options?: CallOptions) => Promise<readonly ServerResult<T, E>[]>
    : never;
};

/** Which server type a group belongs to, where it is not the one that the code runs on. */
export interface GroupOptions {
  /**
   * A server's type, or "": a group of all servers. Any server may add and remove sessions; to push, count and ask is for servers of the type:
   * on others that throws `failed_precondition`.
   */
  readonly type?: string;
}

/** All that can be reached from anywhere in the cluster. Every function here may be taken out of its object. */
export interface Cluster {
  /**
   * The sessions of a group. It belongs to the type of the service that names it, or else the server's first type.
   * Throws `invalid_argument` for a name that is empty or has more than 256 characters.
   */
  readonly group: (name: string, options?: GroupOptions) => Group;
  /**
   * A group of users that outlives sessions and servers: discovery keeps it, for so long after it was created or renewed (whole seconds; with
   * etcd at least about two). Throws `invalid_argument` for a name that is empty or has more than 256 characters, and for a time over ten years.
   */
  readonly userGroup: (name: string, options: { readonly ttlMs: number }) => UserGroup;
  /** Users by id, wherever they are. */
  readonly users: (...ids: readonly string[]) => Users;
  /** Calls one server: the one that the schema's rule picks, or the one named. */
  readonly remote: <C>(service: RemoteService<unknown, C>, target?: RemoteTarget) => C;
  /** Calls every server of the type. */
  readonly remoteAll: <C>(service: RemoteService<unknown, C>) => EveryServer<C>;
  /** The servers that are there, of one type or all. */
  readonly servers: (type?: string) => readonly ServerInfo[];
  /** What a module gave. Throws `not_found` if the server has no such module. */
  readonly module: <T>(key: ModuleKey<T>) => T;
  /**
   * Gives up an owned key that has its home on this server, as of a room that is empty: whichever server is asked next claims it. Calls of the key
   * that run go on. Resolves when others may have it; a key that is not here is left alone. The type is that of the service that names it, or else
   * the server's first. Never rejects: where discovery is out of reach the key stays with this server, and so does whoever asks for it.
   */
  readonly release: (key: string | number | bigint, options?: { readonly type?: string }) => Promise<void>;
  /** The owned keys that have their home on this server, of the type of the service that asks, or else the server's first. */
  readonly ownedKeys: (type?: string) => readonly string[];
  /** Timers that end with a session, when it closes, or else with the server, before its `beforeShutdown`. */
  readonly timers: (session?: Session) => Timers;
}
