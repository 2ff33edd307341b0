import { createBackend, createSessionFinder, createSessionWatch } from "../backend/index.ts";
import { createDeadlineSweep, systemClock, systemRandom } from "../clock/index.ts";
import { type ClusterCore, createTimers, noScope, type Server } from "../context/index.ts";
import { createRecordSeal, memory, mustFit, type ServerInfo, type Store } from "../discovery/index.ts";
import { NanoError } from "../error/index.ts";
import { createEdgeCheck, createFrontend, type Frontend, latestKey, resolveLimits } from "../frontend/index.ts";
import { createGroups, createInterest } from "../group/index.ts";
import { createHandlers, createPlainHandlers } from "../handler/index.ts";
import { createLinkHub, createLinkTransport, createRoles, type FrameBody, type Link, protocolVersion } from "../link/index.ts";
import { createJsonLogger, redactMessages, withFields } from "../logger/index.ts";
import { createClusterCounters } from "../metrics/index.ts";
import { createLifecycles } from "../module/index.ts";
import { systemNet } from "../net/index.ts";
import { type AskedFrontend, createPlainHub, createPlainPort, createSessionService } from "../plain/index.ts";
import { docsOf } from "../reflection/index.ts";
import { createCallers, createLinkCalls, createPlainRemotes, createRemotes } from "../remote/index.ts";
import { packSchema } from "../route/index.ts";
import { createDirectory, createOwnership, createRetries, createRouter } from "../router/index.ts";
import { createTracing } from "../tracing/index.ts";
import { createLocations, createUserGroups, createUsers } from "../user/index.ts";
import { createValidation } from "../validation/index.ts";
import { createClusterCore } from "./cluster-core.ts";
import { checkCluster } from "./cluster-options.ts";
import { collectServices } from "./collect-services.ts";
import { createDrain } from "./drain.ts";
import { createLife } from "./life.ts";
import { createOperations } from "./operations.ts";
import { createPlace } from "./place.ts";
import { releaseHooks } from "./release-hooks.ts";
import type { ServerOptions } from "./server-options.ts";
import { stopOnSignals } from "./signals.ts";
import { stopOnUncaught } from "./uncaught.ts";
import { createWatchdog } from "./watchdog.ts";

// A server that is fenced off answers what it has begun, and no more.
const fencedGraceMs = 5_000;

/** Makes a server. Nothing listens, and nobody hears of it, before `start`. Throws a TypeError or RangeError on options that make no sense. */
export function createServer(options: ServerOptions): Server {
  const clock = options.clock ?? systemClock;
  const random = options.random ?? systemRandom;
  const net = options.net ?? systemNet;
  const acceptors = options.acceptors ?? [];
  const limits = resolveLimits(options.limits);
  const clusterCounters = createClusterCounters();
  const cluster = checkCluster(options, clusterCounters);
  const validation = createValidation();
  const edgeCheck = createEdgeCheck(validation);
  const services = collectServices(options, validation);
  const { types } = services;
  const incarnation = new DataView(random.bytes(8).buffer).getBigUint64(0);
  const id = options.id ?? `${types[0] ?? "server"}-${(incarnation & 0xff_ffffn).toString(16)}`;
  const lines =
    options.log ??
    createJsonLogger({ sink: { write: (line) => void process.stderr.write(`${line}\n`) }, now: () => clock.wallNow() });
  const log = withFields(
    redactMessages(lines, (typeName) => directory.registry.getMessage(typeName)),
    { server: id },
  );
  const schema = packSchema(services.definitions);
  const discovery = options.discovery ?? memory();
  const deadlines = createDeadlineSweep(clock);
  const lifecycles = createLifecycles({ modules: options.modules ?? [], services: services.lifecycles, clock, log });

  const tracing = options.tracing && createTracing(options.tracing);
  const timers = createTimers({ clock, log });
  const single = options.users?.sessions !== "any";

  let addresses: Record<string, string> = {};
  let clusterAddress: string | undefined;
  let metadata = options.metadata ?? {};
  let needsUser = false;
  let offSignals = (): void => {};
  let offUncaught = (): void => {};
  const watchdog = options.watchdog && createWatchdog(options.watchdog, log);

  const info = (): ServerInfo => ({
    id,
    incarnation,
    types,
    version: options.version ?? "",
    frontend: acceptors.length > 0,
    addresses: clusterAddress ? [options.cluster?.advertise ?? clusterAddress] : [],
    state: life.state,
    protocol: protocolVersion,
    schema: schema.hash,
    metadata: { ...metadata, ...operations.metadata },
  });

  const directory = createDirectory({
    log,
    load: (hash) => place.schema(hash),
    ...(acceptors.length > 0 ? { read: edgeCheck.prepare } : {}),
    changed: () => {
      needsUser = directory.clientRoutes.some((route) => route.policy.access === "bound");
      frontend?.serversChanged();
      watch?.serversChanged();
    },
  });
  const roles = createRoles({ shut: cluster?.shut ?? false, counters: clusterCounters });
  const place = createPlace({
    ...{ discovery, clock, random, log, info, schema, directory },
    seal: createRecordSeal(cluster?.tokens ?? [], clusterCounters),
    heard(servers) {
      roles.heard(servers);
      hub?.serversChanged();
      plain?.serversChanged(servers);
    },
    gone({ incarnation: gone }) {
      backend.frontendGone(gone);
      interest.gone(gone);
    },
    fenced: () => void life.stop({ graceMs: fencedGraceMs }),
  });
  const interest = createInterest();
  const pushed = { number: 0n };
  const router = createRouter({
    random,
    load: (server) => (server.incarnation === incarnation ? load() : linkOf(server)?.load),
    routers: options.routers,
    routerFailed: (type, reason) => log.error({ err: reason, type }, "a routing function failed"),
  });
  // Handlers call the cluster, and the cluster calls remotes here: each finds the other when it is asked.
  const core: ClusterCore = createClusterCore({
    callers: { remote: (...args) => callers.remote(...args), remoteAll: (...args) => callers.remoteAll(...args) },
    groups: (...args) => groups(...args),
    users: (...args) => users(...args),
    userGroups: (...args) => userGroups(...args),
    directory,
    lifecycles,
    ownership: { release: (...args) => ownership.release(...args), keys: (type) => ownership.keys(type) },
    timers,
    defaultType: types[0] ?? "",
  });
  const ownership = createOwnership({
    ...{ store, clock, log, incarnation },
    leaseMs: () => place.membership.leaseMs,
    onRelease: releaseHooks(services.lifecycles),
  });
  const handlers = createHandlers({
    ownership,
    entries: services.handlers,
    cluster: core,
    now: () => clock.now(),
    deadlines,
    log,
    maxPending: limits.inFlight,
    tracing,
  });
  const remotes = createRemotes({
    ...{ ownership, entries: services.remotes, cluster: core, now: () => clock.now(), deadlines, log, tracing },
  });
  const retries = createRetries(random);
  const callers = createCallers({
    self: { id, incarnation, types },
    directory,
    router,
    remotes,
    clock,
    deadlines,
    retries,
    tracing,
    linkOf,
    linkTo,
  });
  const backend = createBackend({
    ...{ handlers, clock, log },
    counters: clusterCounters,
    hooks: options.sessions ?? [],
    stickyRoutes: services.stickyRoutes,
  });
  const watch =
    options.sessionEvents &&
    createSessionWatch({
      ...{ incarnation, clock, random, log, directory, linkTo },
      events: options.sessionEvents,
      linkOf,
    });
  // Nobody calls a port before the server is made.
  const theFrontend = (): Frontend => {
    if (frontend) return frontend;
    throw new NanoError({ code: "not_found", message: "no session is here" });
  };
  const askedFrontend: AskedFrontend = {
    ask: async (body) => theFrontend().ask(body),
    close: (session) => theFrontend().close(session),
    knowsPush: (route) => directory.route(route)?.info.kind === "push",
    maxPushBytes: limits.packetOutBytes,
  };
  const plainHandlers = createPlainHandlers({
    ...{ handlers, clock, log },
    counters: clusterCounters,
    sessionOf: createSessionFinder({
      ...{ incarnation, clock, directory, backend, linkTo },
      own: (key) => theFrontend().find(key),
    }),
  });
  const linkCalls = createLinkCalls({ remotes, now: () => clock.now() });
  const hub = cluster
    ? createLinkHub({
        self: () => ({ id, incarnation, types, frontend: acceptors.length > 0, schema: schema.hash }),
        transport: createLinkTransport(net, {
          ...(cluster.tls ? { tls: cluster.tls } : {}),
          authorize: cluster.authorize,
          refused: (why) =>
            why === "headers" ? clusterCounters.callsRefused.headers++ : clusterCounters.connectionsRefused[why]++,
          other: createPlainPort({
            services: [
              createPlainRemotes({ remotes, now: () => clock.now() }),
              plainHandlers.serve,
              ...(acceptors.length > 0 ? [createSessionService(askedFrontend)] : []),
            ],
            gate: plainHandlers.gate,
            ...{ clock, log },
            counters: clusterCounters,
          }),
        }),
        clock,
        random,
        log,
        tokens: cluster.tokens,
        roles,
        counters: clusterCounters,
        load,
        events: { opened: linkOpened, frame: linkFrame, broken: linkBroken, closed: linkClosed },
        latestKey: (push) => latestKey(directory.route(push.route)?.info, push),
      })
    : undefined;
  const plain =
    cluster &&
    createPlainHub({
      ...{ net, clock, random, log, roles },
      tls: cluster.tls,
      tokens: cluster.tokens,
      routeOf: directory.routeOf,
      events: { opened: linkOpened, closed: linkClosed },
    });
  const frontend =
    acceptors.length > 0
      ? createFrontend({
          id,
          incarnation,
          clusterCounters,
          acceptors,
          sharePorts: options.sharePorts ?? false,
          authenticate: options.authenticate,
          clock,
          random,
          net,
          log,
          limits,
          encoding: options.encoding ?? "json",
          serializers: options.serializers ?? [],
          types,
          compression: options.compression ?? {},
          dictionary: options.dictionary ?? true,
          clients: options.clients,
          reflection: options.reflection ?? false,
          unknownRoute: options.unknownRoute,
          describeError: options.describeError,
          hooks: options.sessions ?? [],
          watched: watch && ((event) => watch.event({ id, incarnation }, event)),
          needsUser: () => needsUser,
          userSessions: { single, strict: options.users?.whenAway === "strict" },
          store,
          leaseMs: () => place.membership.leaseMs,
          links: () => hub?.links() ?? [],
          directory,
          router,
          retries,
          handlers,
          edgeCheck,
          deadlines,
          tracing,
          linkOf,
          linkTo,
          pushed,
        })
      : undefined;
  const groups = createGroups({
    self: id,
    incarnation,
    pushed,
    types,
    membership: frontend?.membership,
    interest,
    now: () => clock.now(),
    lost: (link, error) => log.warn({ err: error, frontend: link.peer.id }, "a group push did not leave"),
  });

  const users = createUsers({
    self: { id, incarnation },
    here: (user) => frontend?.users.of(user) ?? [],
    locations: single ? createLocations(clock, store) : undefined,
    frontends: () => directory.servers.filter((server) => server.frontend && server.incarnation !== incarnation),
    linkTo(to) {
      const server = directory.byIncarnation(to);
      return server && linkTo(server);
    },
    linkOf: (to) => hub?.find(to),
    now: () => clock.now(),
  });

  const userGroups = createUserGroups({ store, random, users });

  function store(): Store {
    return place.membership.store;
  }

  function load(): number {
    return handlers.pending + remotes.pending;
  }

  async function linkTo(server: ServerInfo): Promise<Link> {
    const to = server.forward === "unary" ? plain : hub;
    if (!to) throw new NanoError({ code: "unavailable", message: "this server is in no cluster" });
    return to.linkTo(server);
  }

  function linkOf({ incarnation, forward }: ServerInfo): Link | undefined {
    return (forward === "unary" ? plain : hub)?.find(incarnation);
  }

  function linkOpened(link: Link): void {
    if (life.state === "draining") drain.linkOpened(link);
    frontend?.linkOpened(link);
    watch?.linkOpened(link);
  }

  function linkFrame(link: Link, body: FrameBody): void {
    if (body.case === "interest") {
      if (link.peer.frontend) return interest.heard(link, body.value);
      clusterCounters.framesRefused.frontend++;
      throw new NanoError({ code: "permission_denied", message: "only frontends have groups" });
    }
    if (body.case === "drain") {
      directory.drains(link.peer.incarnation);
      if (body.value.homeless) router.homeless(link.peer.incarnation);
      link.answer(body.value.call, { case: "body", value: new Uint8Array(0) });
    } else if (!frontend?.frame(link, body) && !backend.frame(link, body) && !watch?.frame(link, body))
      linkCalls.frame(link, body);
  }

  function linkBroken(link: Link): void {
    frontend?.linkBroken(link);
    backend.linkBroken(link);
  }

  function linkClosed(link: Link): void {
    interest.forget(link);
    frontend?.linkClosed(link);
    backend.linkClosed(link);
    watch?.linkClosed(link);
    linkCalls.linkClosed(link);
  }

  const drain = createDrain({
    ...{ clock, log, incarnation, directory, router, hub, lifecycles, frontend, backend, handlers, remotes, ownership },
    server: () => server,
    update: () => place.update(),
  });

  const counters = {
    frontend: frontend?.counters,
    cluster: hub && clusterCounters,
    handlers: handlers.counters,
    remotes: remotes.counters,
    calls: callers.counters,
  };
  const operations = createOperations({
    ...{ id, clock, log },
    reporters: options.reporters ?? [],
    http: options.http,
    sources: {
      ...{ counters, frontend, pending: { handlers: () => handlers.pending, remotes: () => remotes.pending } },
      links: () => hub?.totals(),
      discovery: place,
    },
    readiness: () => life.readiness(place.away),
    servers: () => directory.servers,
    schema: () => docsOf([...directory.clientRoutes, ...directory.clientPushes]),
  });

  const life = createLife({
    clock,
    graceMs: options.graceMs,
    async begin(serves) {
      if (options.signals) offSignals = stopOnSignals({ signals: options.signals, clock, log, stop: () => life.stop() });
      await validation.ready();
      if (options.uncaught === "stop") offUncaught = stopOnUncaught({ clock, log, stop: () => life.stop() });
      watchdog?.start();
      await operations.start();
      await lifecycles.init(server);
      if (hub && cluster) clusterAddress = await hub.start(cluster.listen);
      await lifecycles.afterInit(server);
      serves();
      await place.join();
      addresses = {
        ...(await frontend?.start()),
        ...(clusterAddress ? { cluster: clusterAddress } : {}),
        ...(operations.address ? { http: operations.address } : {}),
      };
    },
    drain: (grace) => drain.run(grace),
    async end(drained) {
      hub?.shut();
      timers.clear();
      if (drained) await lifecycles.beforeShutdown(server);
      await frontend?.leave();
      await ownership.stop();
      await place.leave();
      await frontend?.stop();
      watch?.stop();
      plain?.stop();
      await hub?.stop();
      await lifecycles.shutdown(server);
      deadlines.clear();
      await operations.stop();
      await watchdog?.stop();
      offUncaught();
      offSignals();
    },
  });

  const server: Server = {
    id,
    types,
    log,
    counters,
    metrics: operations.metrics,
    get info() {
      return info();
    },
    get addresses() {
      return addresses;
    },
    get readiness() {
      return life.readiness(place.away);
    },
    start: () => life.start(),
    drain: (drainOptions) => life.drain(drainOptions),
    stop: (stopOptions) => life.stop(stopOptions),
    async setMetadata(next) {
      mustFit({ ...info(), metadata: next });
      metadata = { ...next };
      await place.update();
    },
    group: (name, groupOptions) => core.group(name, groupOptions?.type, noScope),
    userGroup: (name, { ttlMs }) => core.userGroup(name, ttlMs, noScope),
    users: (...ids) => core.users(ids, noScope),
    remote: (service, target) => core.remote(service, target, noScope),
    remoteAll: (service) => core.remoteAll(service, noScope),
    servers: (type) => core.servers(type),
    module: (key) => core.module(key),
    release: (key, of) => core.release(String(key), of?.type),
    ownedKeys: (type) => core.ownedKeys(type),
    timers: (session) => core.timers(session),
  };
  return server;
}
