import type { SessionWatch } from "../backend/index.ts";
import type { Server, ServerTimers } from "../context/index.ts";
import type { Frontend } from "../frontend/index.ts";
import type { Lifecycles } from "../module/index.ts";
import type { Ownership } from "../router/index.ts";
import type { Validation } from "../validation/index.ts";
import type { Base } from "./base.ts";
import type { ClusterLinks } from "./cluster-links.ts";
import type { CheckedCluster } from "./cluster-options.ts";
import type { LifeOptions } from "./life.ts";
import type { Operations } from "./operations.ts";
import type { OwnRecord } from "./own-record.ts";
import type { Place } from "./place.ts";
import type { ServerOptions } from "./server-options.ts";
import { stopOnSignals } from "./signals.ts";
import { stopOnUncaught } from "./uncaught.ts";
import type { Watchdog } from "./watchdog.ts";

/** What begins and ends with a server. */
export interface BeginAndEndOptions {
  readonly base: Base;
  readonly server: () => Server;
  readonly stop: () => Promise<void>;
  readonly cluster: CheckedCluster | undefined;
  readonly validation: Validation;
  readonly operations: Operations;
  readonly lifecycles: Lifecycles;
  readonly links: ClusterLinks;
  readonly place: Place;
  readonly record: OwnRecord;
  readonly ownership: Ownership;
  readonly frontend: Frontend | undefined;
  readonly watch: SessionWatch | undefined;
  readonly watchdog: Watchdog | undefined;
  readonly timers: ServerTimers;
}

/** The order in which the parts of a server start and stop, and where it listens meanwhile. */
export interface BeginAndEnd extends Pick<LifeOptions, "begin" | "end"> {
  /** Where each acceptor listens, by its name, `cluster` and `http`. */
  readonly addresses: Readonly<Record<string, string>>;
}

/** Nothing has begun. */
export function createBeginAndEnd(
  { signals, uncaught }: Pick<ServerOptions, "signals" | "uncaught">,
  options: BeginAndEndOptions,
): BeginAndEnd {
  const { stop, cluster, operations, lifecycles, place, record, frontend, watch, watchdog } = options;
  const { hub, plain } = options.links;
  const { log } = options.base;
  let addresses: Record<string, string> = {};
  let offSignals = (): void => {};
  let offUncaught = (): void => {};

  return {
    get addresses() {
      return addresses;
    },
    async begin(serves) {
      const server = options.server();
      if (signals) offSignals = stopOnSignals({ signals, log, stop });
      await options.validation.ready();
      if (uncaught === "stop") offUncaught = stopOnUncaught({ log, stop });
      watchdog?.start();
      await operations.start();
      await lifecycles.init(server);
      if (hub && cluster) record.clusterAddress = await hub.start(cluster.listen);
      await lifecycles.afterInit(server);
      serves();
      await place.join();
      addresses = {
        ...(await frontend?.start()),
        ...(record.clusterAddress ? { cluster: record.clusterAddress } : {}),
        ...(operations.address ? { http: operations.address } : {}),
      };
      log.info({ types: options.base.types, addresses }, "ready");
    },
    async end(drained) {
      const server = options.server();
      hub?.shut();
      options.timers.clear();
      if (drained) await lifecycles.beforeShutdown(server);
      await frontend?.leave();
      await options.ownership.stop();
      await place.leave();
      await frontend?.stop();
      watch?.stop();
      plain?.stop();
      await hub?.stop();
      await lifecycles.shutdown(server);
      options.base.deadlines.clear();
      await operations.stop();
      await watchdog?.stop();
      offUncaught();
      offSignals();
      log.info({}, "stopped");
    },
  };
}
