import { aloneScope, type ClusterCore, type Server } from "../context/index.ts";
import type { ServerCounters } from "../metrics/index.ts";
import type { Base } from "./base.ts";
import type { Life } from "./life.ts";
import type { LinkCheck } from "./link-check.ts";
import type { Operations } from "./operations.ts";
import type { OwnRecord } from "./own-record.ts";
import type { Place } from "./place.ts";

/** What is behind a server's face. */
export interface ServerFaceOptions {
  readonly base: Base;
  readonly core: ClusterCore;
  readonly counters: ServerCounters;
  readonly operations: Operations;
  readonly record: OwnRecord;
  readonly place: Place;
  readonly life: Life;
  readonly linkCheck: LinkCheck;
  readonly addresses: () => Readonly<Record<string, string>>;
}

/** A server as its application has it. */
export function createServerFace(options: ServerFaceOptions): Server {
  const { base, core, counters, operations, record, place, life, linkCheck, addresses } = options;
  const alone = aloneScope(base.tracing);
  return {
    id: base.id,
    types: base.types,
    log: base.log,
    counters,
    metrics: operations.metrics,
    get info() {
      return record.info;
    },
    get addresses() {
      return addresses();
    },
    get readiness() {
      return life.readiness(place.away, linkCheck.missing);
    },
    start: () => life.start(),
    drain: (drainOptions) => life.drain(drainOptions),
    stop: (stopOptions) => life.stop(stopOptions),
    async setMetadata(metadata) {
      record.setMetadata(metadata);
      await place.update();
    },
    group: (name, groupOptions) => core.group(name, groupOptions?.type, alone),
    userGroup: (name, { ttlMs }) => core.userGroup(name, ttlMs, alone),
    users: (...ids) => core.users(ids, alone),
    remote: (service, target) => core.remote(service, target, alone),
    remoteAll: (service) => core.remoteAll(service, alone),
    servers: (type) => core.servers(type),
    module: (key) => core.module(key),
    release: (key, of) => core.release(String(key), of?.type),
    ownedKeys: (type) => core.ownedKeys(type),
    timers: (session) => core.timers(session),
  };
}
