import type { ClusterCore } from "../context/index.ts";
import type { ServerInfo } from "../discovery/index.ts";
import { createHandlers, type Handlers } from "../handler/index.ts";
import type { Link } from "../link/index.ts";
import { type Callers, createCallers, createLinkCalls, createRemotes, type LinkCalls, type Remotes } from "../remote/index.ts";
import { createOwnership, createRetries, type Directory, type Ownership, type Retries, type Router } from "../router/index.ts";
import type { Base } from "./base.ts";
import type { CollectedServices } from "./collect-services.ts";
import type { Place } from "./place.ts";
import { releaseHooks } from "./release-hooks.ts";

/** What answers calls on a server, and what makes those of its own code. */
export interface Calls {
  readonly ownership: Ownership;
  readonly handlers: Handlers;
  readonly remotes: Remotes;
  readonly retries: Retries;
  readonly callers: Callers;
  readonly linkCalls: LinkCalls;
  /** Those that have begun here and are not answered. */
  readonly load: number;
}

/** What they are made of. */
export interface CallsOptions {
  readonly base: Base;
  readonly services: CollectedServices;
  readonly place: Place;
  readonly core: ClusterCore;
  readonly directory: Directory;
  readonly router: Router;
  linkOf(server: ServerInfo): Link | undefined;
  linkTo(server: ServerInfo): Promise<Link>;
}

/** Nothing runs. */
export function createCalls(options: CallsOptions): Calls {
  const { base, services, place, core: cluster, directory, router, linkOf, linkTo } = options;
  const { id, incarnation, types, clock, time, log, deadlines, tracing } = base;
  const now = (): number => clock.now();

  const ownership = createOwnership({
    ...{ clock, log, incarnation },
    store: place.store,
    leaseMs: () => place.membership.leaseMs,
    onRelease: releaseHooks(services.lifecycles),
  });
  const shared = { ownership, cluster, now, deadlines, log, tracing };
  const handlers = createHandlers({ ...shared, time, entries: services.handlers, maxPending: base.limits.inFlight });
  const remotes = createRemotes({ ...shared, entries: services.remotes });
  const retries = createRetries(base.random);
  const callers = createCallers({
    self: { id, incarnation, types },
    ...{ directory, router, remotes, clock, deadlines, retries, tracing, linkOf, linkTo },
  });
  return {
    ...{ ownership, handlers, remotes, retries, callers },
    linkCalls: createLinkCalls({ remotes, now }),
    get load() {
      return handlers.pending + remotes.pending;
    },
  };
}
