import { createBackend, createSessionWatch } from "../backend/index.ts";
import { type ClusterCore, createTimers, type Server } from "../context/index.ts";
import { createRecordSeal, memory } from "../discovery/index.ts";
import { createEdgeCheck } from "../frontend/index.ts";
import { createInterest } from "../group/index.ts";
import { createRoles } from "../link/index.ts";
import { createLifecycles } from "../module/index.ts";
import { docsOf } from "../reflection/index.ts";
import { packSchema } from "../route/index.ts";
import { createDirectory, createRouter } from "../router/index.ts";
import { createKnownChecks, createValidation } from "../validation/index.ts";
import { createAudience } from "./audience.ts";
import { createBase } from "./base.ts";
import { createBeginAndEnd } from "./begin-and-end.ts";
import { createCalls } from "./calls.ts";
import { createClusterCore } from "./cluster-core.ts";
import { createClusterLinks } from "./cluster-links.ts";
import { checkCluster } from "./cluster-options.ts";
import { collectServices } from "./collect-services.ts";
import { createDrain } from "./drain.ts";
import { createLife } from "./life.ts";
import { createLinkCheck } from "./link-check.ts";
import { createLinkEvents } from "./link-events.ts";
import { createOperations } from "./operations.ts";
import { createOwnRecord } from "./own-record.ts";
import { createPlace } from "./place.ts";
import { createServerFace } from "./server-face.ts";
import { createServerFrontend } from "./server-frontend.ts";
import type { ServerOptions } from "./server-options.ts";
import { createWatchdog } from "./watchdog.ts";

// A server that is fenced off answers what it has begun, and no more.
const fencedGraceMs = 5_000;

/**
 * Makes a server. Nothing listens, and nobody hears of it, before `start`. Throws a TypeError or RangeError on options that make no sense.
 *
 * This is the one place that knows all parts. Those that need each other are given functions, which nobody calls before all are made.
 */
export function createServer(options: ServerOptions): Server {
  const validation = createValidation();
  const services = collectServices(options, validation);
  const base = createBase(options, services.types, (typeName) => directory.registry.getMessage(typeName));
  const { incarnation, clock, random, log, counters: clusterCounters } = base;
  const cluster = checkCluster(options, clusterCounters);
  const edgeCheck = createEdgeCheck(validation, createKnownChecks(options.forwards ?? []));
  const schema = packSchema(services.definitions);
  const lifecycles = createLifecycles({ modules: options.modules ?? [], services: services.lifecycles, clock, log });
  const timers = createTimers({ clock, log, tracing: base.tracing });
  const watchdog = options.watchdog && createWatchdog(options.watchdog, log);
  const interest = createInterest();
  const roles = createRoles({ shut: cluster?.shut ?? false, counters: clusterCounters });
  const pushed = { number: 0n };
  let needsUser = false;

  const record = createOwnRecord({
    base,
    version: options.version,
    advertise: options.cluster?.advertise,
    schemaHash: schema.hash,
    metadata: options.metadata,
    state: () => life.state,
    ownMetadata: () => operations.metadata,
  });
  const directory = createDirectory({
    log,
    load: (hash) => place.schema(hash),
    ...(base.isFrontend ? { read: edgeCheck.prepare } : {}),
    changed() {
      needsUser = directory.clientRoutes.some((route) => route.policy.access === "bound");
      frontend?.serversChanged();
      watch?.serversChanged();
    },
  });
  const place = createPlace({
    ...{ clock, random, log, schema, directory },
    discovery: options.discovery ?? memory(),
    info: () => record.info,
    seal: createRecordSeal(cluster?.tokens ?? [], clusterCounters),
    heard(servers) {
      roles.heard(servers);
      links.hub?.serversChanged();
      links.plain?.serversChanged(servers);
    },
    gone({ incarnation: gone }) {
      backend.frontendGone(gone);
      interest.gone(gone);
    },
    fenced: () => void life.stop({ graceMs: fencedGraceMs }),
  });
  const router = createRouter({
    random,
    load: (server) => (server.incarnation === incarnation ? calls.load : links.linkOf(server)?.load),
    routers: options.routers,
    routerFailed: (type, reason) => log.error({ err: reason, type }, "a routing function failed"),
  });
  const core: ClusterCore = createClusterCore({
    callers: {
      remote: (...args) => calls.callers.remote(...args),
      remoteAll: (...args) => calls.callers.remoteAll(...args),
    },
    groups: (...args) => audience.groups(...args),
    users: (...args) => audience.users(...args),
    userGroups: (...args) => audience.userGroups(...args),
    ownership: {
      release: (...args) => calls.ownership.release(...args),
      keys: (type) => calls.ownership.keys(type),
    },
    ...{ directory, lifecycles, timers },
    defaultType: base.types[0] ?? "",
  });
  const calls = createCalls({
    ...{ base, services, place, core, directory, router },
    linkOf: (server) => links.linkOf(server),
    linkTo: (server) => links.linkTo(server),
  });
  const { handlers, remotes, ownership } = calls;
  const backend = createBackend({
    ...{ handlers, clock, log },
    counters: clusterCounters,
    hooks: base.hooks,
    stickyRoutes: services.stickyRoutes,
  });
  const links = createClusterLinks({
    ...{ base, cluster, roles, directory, backend, calls },
    schemaHash: schema.hash,
    frontend: () => frontend,
    events: {
      opened: (link) => events.opened(link),
      frame: (link, body) => events.frame(link, body),
      broken: (link, error) => events.broken(link, error),
      closed: (link, error) => events.closed(link, error),
    },
  });
  const watch =
    options.sessionEvents &&
    createSessionWatch({
      ...{ incarnation, clock, random, log, directory },
      counters: clusterCounters,
      events: options.sessionEvents,
      linkOf: links.linkOf,
      linkTo: links.linkTo,
    });
  const frontend = createServerFrontend(options, {
    ...{ base, calls, place, links, directory, router, edgeCheck, pushed },
    needsUser: () => needsUser,
    watched: watch && ((event) => watch.event(base, event)),
  });
  const linkCheck = createLinkCheck({ ...base, directory, linkOf: links.linkOf, linkTo: links.linkTo });
  const single = options.users?.sessions !== "any";
  const audience = createAudience({ base, single, pushed, interest, frontend, directory, links, place });
  const drain = createDrain({
    ...{ clock, log, incarnation, directory, router, lifecycles, frontend, backend, handlers, remotes, ownership },
    hub: links.hub,
    server: () => server,
    update: () => place.update(),
  });
  const events = createLinkEvents({
    ...{ drain, directory, router, interest, frontend, backend, watch },
    state: () => life.state,
    counters: clusterCounters,
    linkCalls: calls.linkCalls,
  });
  const counters = {
    frontend: frontend?.counters,
    cluster: links.hub && clusterCounters,
    handlers: handlers.counters,
    remotes: remotes.counters,
    calls: calls.callers.counters,
  };
  const operations = createOperations({
    ...{ id: base.id, clock, log },
    reporters: options.reporters ?? [],
    http: options.http,
    sources: {
      ...{ counters, frontend, pending: { handlers: () => handlers.pending, remotes: () => remotes.pending } },
      links: () => links.hub?.totals(),
      discovery: place,
      blocked: watchdog?.blocked,
    },
    readiness: () => life.readiness(place.away, linkCheck.missing),
    look: () => linkCheck.look(),
    servers: () => directory.servers,
    schema: () => docsOf([...directory.clientRoutes, ...directory.clientPushes]),
  });
  const parts = createBeginAndEnd(options, {
    ...{ base, cluster, validation, operations, lifecycles, links, place, record, ownership, frontend, watch, watchdog, timers },
    server: () => server,
    stop: () => life.stop(),
  });
  const life = createLife({
    clock,
    graceMs: options.graceMs,
    begin: parts.begin,
    drain: (grace) => drain.run(grace),
    end: parts.end,
  });
  const server = createServerFace({
    ...{ base, core, counters, operations, record, place, life, linkCheck },
    addresses: () => parts.addresses,
  });
  return server;
}
