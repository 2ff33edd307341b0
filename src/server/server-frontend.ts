import { createFrontend, type Frontend, type FrontendOptions } from "../frontend/index.ts";
import type { Base } from "./base.ts";
import type { Calls } from "./calls.ts";
import type { ClusterLinks } from "./cluster-links.ts";
import type { Place } from "./place.ts";
import type { ServerOptions } from "./server-options.ts";

/** What a server's frontend is made of beside its options. */
export interface ServerFrontendOptions
  extends Pick<FrontendOptions, "directory" | "router" | "edgeCheck" | "needsUser" | "pushed" | "watched"> {
  readonly base: Base;
  readonly calls: Calls;
  readonly place: Place;
  readonly links: ClusterLinks;
}

/** The frontend of a server that has acceptors, with the defaults of what its options leave out. */
export function createServerFrontend(options: ServerOptions, parts: ServerFrontendOptions): Frontend | undefined {
  const { base, calls, place, links, ...rest } = parts;
  if (!base.isFrontend) return undefined;
  const { id, incarnation, types, clock, time, random, net, log, limits, deadlines, tracing } = base;
  const { authenticate, clients, unknownRoute, describeError, users } = options;
  return createFrontend({
    ...rest,
    ...{ id, incarnation, types, clock, time, random, net, log, limits, deadlines, tracing },
    ...{ authenticate, clients, unknownRoute, describeError },
    clusterCounters: base.counters,
    acceptors: options.acceptors ?? [],
    sharePorts: options.sharePorts ?? false,
    encoding: options.encoding ?? "json",
    serializers: options.serializers ?? [],
    compression: options.compression ?? {},
    dictionary: options.dictionary ?? true,
    reflection: options.reflection ?? false,
    hooks: base.hooks,
    userSessions: { single: users?.sessions !== "any", strict: users?.whenAway === "strict" },
    store: place.store,
    leaseMs: () => place.membership.leaseMs,
    links: () => links.hub?.links() ?? [],
    linkOf: links.linkOf,
    linkTo: links.linkTo,
    retries: calls.retries,
    handlers: calls.handlers,
  });
}
