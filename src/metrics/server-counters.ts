import type { CallCounter } from "./call-counter.ts";
import type { ClusterCounters } from "./cluster-counters.ts";
import type { FrontendCounters } from "./frontend-counters.ts";

/** What a server has counted since it was made, one struct a room. Read it when you like; it costs nothing meanwhile. */
export interface ServerCounters {
  /** Absent on a server without acceptors. */
  readonly frontend: FrontendCounters | undefined;
  /** Absent on a server that is in no cluster. */
  readonly cluster: ClusterCounters | undefined;
  /** The methods that this server answers to clients, by their routes. */
  readonly handlers: ReadonlyMap<string, CallCounter>;
  /** Those that it answers to other servers. */
  readonly remotes: ReadonlyMap<string, CallCounter>;
  /** Methods of other services that were called from here, to wherever. */
  readonly calls: ReadonlyMap<string, CallCounter>;
}
