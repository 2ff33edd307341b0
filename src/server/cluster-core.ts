import type { ClusterCore, ServerTimers } from "../context/index.ts";
import type { Group, GroupKey } from "../group/index.ts";
import type { Lifecycles } from "../module/index.ts";
import type { Callers } from "../remote/index.ts";
import type { Directory, Ownership } from "../router/index.ts";
import type { MustLive } from "../session/index.ts";
import type { UserGroup, Users } from "../user/index.ts";

/** What the cluster is reached through. */
export interface ClusterCoreOptions {
  readonly callers: Pick<Callers, "remote" | "remoteAll">;
  readonly groups: (key: GroupKey, mustLive: MustLive) => Group;
  readonly users: (ids: readonly string[], mustLive: MustLive) => Users;
  readonly userGroups: (name: string, ttlMs: number, mustLive: MustLive) => UserGroup;
  readonly directory: Directory;
  readonly lifecycles: Lifecycles;
  readonly ownership: Pick<Ownership, "release" | "keys">;
  readonly timers: ServerTimers;
  /** The type that groups and keys named outside of a call belong to. */
  readonly defaultType: string;
}

/** Puts the parts of one server together as what contexts offer. */
export function createClusterCore(options: ClusterCoreOptions): ClusterCore {
  const { callers, groups, users, userGroups, directory, lifecycles, ownership, timers } = options;
  return {
    group: (name, type, scope) => groups({ type: type ?? options.defaultType, name }, (pushed) => scope.mustLive(pushed)),
    userGroup: (name, ttlMs, scope) => userGroups(name, ttlMs, (pushed) => scope.mustLive(pushed)),
    users: (ids, scope) => users(ids, (pushed) => scope.mustLive(pushed)),
    remote: (service, target, scope) => callers.remote(service, target, scope),
    remoteAll: (service, scope) => callers.remoteAll(service, scope),
    servers: (type) => (type === undefined ? directory.servers : directory.ofType(type)),
    module: (key) => lifecycles.module(key),
    release: (key, type) => ownership.release(type ?? options.defaultType, key),
    timers: (session) => timers.of(session),
    ownedKeys: (type) => ownership.keys(type ?? options.defaultType),
  };
}
