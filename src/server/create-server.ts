import { createBackend } from "../backend/index.ts";
import { createDeadlineSweep, sleep, systemClock, systemRandom, within } from "../clock/index.ts";
import { type ClusterCore, noScope, type Server } from "../context/index.ts";
import { type Membership, memory, type ServerInfo, type ServerState, type Store } from "../discovery/index.ts";
import { NanoError } from "../error/index.ts";
import { createFrontend, latestKey, resolveLimits } from "../frontend/index.ts";
import { createGroups, createInterest } from "../group/index.ts";
import { createHandlers } from "../handler/index.ts";
import { createLinkHub, createLinkTransport, type FrameBody, type Link, protocolVersion } from "../link/index.ts";
import { createJsonLogger, withFields } from "../logger/index.ts";
import { createLifecycles } from "../module/index.ts";
import { systemNet } from "../net/index.ts";
import { createCallers, createConnectHandler, createLinkCalls, createRemotes } from "../remote/index.ts";
import { packSchema } from "../route/index.ts";
import { createDirectory, createRetries, createRouter } from "../router/index.ts";
import { createLocations, createUserGroups, createUsers } from "../user/index.ts";
import { createClusterCore } from "./cluster-core.ts";
import { checkCluster } from "./cluster-options.ts";
import { collectServices } from "./collect-services.ts";
import type { ServerOptions } from "./server-options.ts";

const schemaWaitMs = 3_000;
const settlePollMs = 20;
const defaultGraceMs = 30_000;

/** Makes a server. Nothing listens, and nobody hears of it, before `start`. Throws a TypeError or RangeError on options that make no sense. */
export function createServer(options: ServerOptions): Server {
  const clock = options.clock ?? systemClock;
  const random = options.random ?? systemRandom;
  const net = options.net ?? systemNet;
  const acceptors = options.acceptors ?? [];
  const limits = resolveLimits(options.limits);
  const cluster = checkCluster(options);
  const services = collectServices(options);
  const { types } = services;
  const incarnation = new DataView(random.bytes(8).buffer).getBigUint64(0);
  const id = options.id ?? `${types[0] ?? "server"}-${(incarnation & 0xff_ffffn).toString(16)}`;
  const log = withFields(
    options.log ??
      createJsonLogger({ sink: { write: (line) => void process.stderr.write(`${line}\n`) }, now: () => clock.wallNow() }),
    { server: id },
  );
  const schema = packSchema(services.definitions);
  const discovery = options.discovery ?? memory();
  const deadlines = createDeadlineSweep(clock);
  const lifecycles = createLifecycles({ modules: options.modules ?? [], services: services.lifecycles, clock, log });

  const single = options.users?.sessions !== "any";

  let state: ServerState = "starting";
  let addresses: Record<string, string> = {};
  let clusterAddress: string | undefined;
  let membership: Membership | undefined;
  let needsUser = false;
  let starting: Promise<void> | undefined;
  let draining: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;

  const info = (): ServerInfo => ({
    id,
    incarnation,
    types,
    version: options.version ?? "",
    frontend: acceptors.length > 0,
    addresses: clusterAddress ? [options.cluster?.advertise ?? clusterAddress] : [],
    state,
    protocol: protocolVersion,
    schema: schema.hash,
    metadata: options.metadata ?? {},
  });

  const directory = createDirectory({
    log,
    load: async (hash) => (hash === schema.hash ? schema.gzip : membership?.schema(hash)),
    changed: () => {
      needsUser = directory.clientRoutes.some((route) => route.policy.access === "bound");
      frontend?.serversChanged();
    },
  });
  const interest = createInterest();
  const router = createRouter({
    random,
    load: (server) => (server.incarnation === incarnation ? load() : hub?.find(server.incarnation)?.load),
  });
  // Handlers call the cluster, and the cluster calls remotes here: each finds the other when it is asked.
  const core: ClusterCore = createClusterCore({
    callers: { remote: (...args) => callers.remote(...args), remoteAll: (...args) => callers.remoteAll(...args) },
    groups: (...args) => groups(...args),
    users: (...args) => users(...args),
    userGroups: (...args) => userGroups(...args),
    directory,
    lifecycles,
    defaultType: types[0] ?? "",
  });
  const handlers = createHandlers({
    entries: services.handlers,
    cluster: core,
    now: () => clock.now(),
    deadlines,
    log,
    maxPending: limits.inFlight,
  });
  const remotes = createRemotes({ entries: services.remotes, cluster: core, deadlines, log });
  const retries = createRetries(random);
  const callers = createCallers({
    self: { id, incarnation, types },
    directory,
    router,
    remotes,
    clock,
    deadlines,
    retries,
    linkOf: (server) => hub?.find(server.incarnation),
    linkTo,
  });
  const backend = createBackend({ handlers, clock, log, hooks: options.sessions ?? [] });
  const linkCalls = createLinkCalls({ remotes, now: () => clock.now() });
  const hub = cluster
    ? createLinkHub({
        self: () => ({ id, incarnation, types, frontend: acceptors.length > 0, schema: schema.hash }),
        transport: createLinkTransport(net, {
          ...(cluster.tls ? { tls: cluster.tls } : {}),
          authorize: cluster.authorize,
          other: createConnectHandler({ remotes, now: () => clock.now() }),
        }),
        clock,
        random,
        log,
        tokens: cluster.tokens,
        load,
        events: { opened: linkOpened, frame: linkFrame, broken: linkBroken, closed: linkClosed },
        latestKey: (push) => latestKey(directory.route(push.route)?.info, push),
      })
    : undefined;
  const frontend =
    acceptors.length > 0
      ? createFrontend({
          id,
          incarnation,
          acceptors,
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
          reflection: options.reflection ?? false,
          unknownRoute: options.unknownRoute,
          describeError: options.describeError,
          hooks: options.sessions ?? [],
          needsUser: () => needsUser,
          userSessions: { single, strict: options.users?.whenAway === "strict" },
          store,
          leaseMs: () => place().leaseMs,
          links: () => hub?.links() ?? [],
          directory,
          router,
          retries,
          handlers,
          deadlines,
          linkOf: (server) => hub?.find(server.incarnation),
          linkTo,
        })
      : undefined;
  const groups = createGroups({
    self: id,
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

  function place(): Membership {
    if (membership) return membership;
    throw new NanoError({ code: "unavailable", message: "this server has not started" });
  }

  function store(): Store {
    return place().store;
  }

  function load(): number {
    return handlers.pending + remotes.pending;
  }

  async function linkTo(server: ServerInfo): Promise<Link> {
    if (!hub) throw new NanoError({ code: "unavailable", message: "this server is in no cluster" });
    return hub.linkTo(server);
  }

  function linkOpened(link: Link): void {
    frontend?.linkOpened(link);
  }

  function linkFrame(link: Link, body: FrameBody): void {
    if (body.case === "interest") interest.heard(link, body.value);
    else if (!frontend?.frame(link, body) && !backend.frame(link, body)) linkCalls.frame(link, body);
  }

  function linkBroken(link: Link): void {
    frontend?.linkBroken(link);
    backend.linkBroken(link);
  }

  function linkClosed(link: Link): void {
    interest.forget(link);
    frontend?.linkClosed(link);
    backend.linkClosed(link);
    linkCalls.linkClosed(link);
  }

  async function join(): Promise<void> {
    let known: readonly ServerInfo[] = [];
    let schemas: Promise<void> = Promise.resolve();
    membership = await discovery.join(
      info(),
      schema.gzip,
      {
        changed(servers) {
          for (const gone of known) {
            if (!servers.some((server) => server.incarnation === gone.incarnation)) backend.frontendGone(gone.incarnation);
          }
          known = servers;
          // Schemas can be asked for from then on, and below they are.
          if (membership) schemas = directory.update(servers);
        },
        fenced(by) {
          log.error({ by: by.toString(16) }, "another server took this id: stopping");
          void stop();
        },
        available: (available) => log.warn({ available }, available ? "discovery is back" : "discovery is out of reach"),
      },
      { clock, random, log },
    );
    // Those that were there before can be called as soon as this server answers.
    await within(
      clock,
      schemaWaitMs,
      directory.update(known).then(() => schemas),
      () => {},
    );
  }

  async function begin(): Promise<void> {
    if (state !== "starting") throw new NanoError({ code: "failed_precondition", message: "a server starts once" });
    await lifecycles.init(server);
    try {
      if (hub && cluster) clusterAddress = await hub.start(cluster.listen);
      await lifecycles.afterInit(server);
      state = "ready";
      await join();
      addresses = { ...(await frontend?.start()), ...(clusterAddress ? { cluster: clusterAddress } : {}) };
    } catch (reason) {
      state = "draining";
      await end();
      throw reason;
    }
  }

  async function drain(graceMs: number): Promise<void> {
    const untilMs = clock.now() + graceMs;
    state = "draining";
    frontend?.pause();
    // A registry that is away must not hold up the end.
    await membership
      ?.update(info())
      .catch((reason: unknown) => log.warn({ err: reason }, "the cluster was not told of the drain"));
    await lifecycles.beforeShutdown(server);
    await frontend?.release(untilMs);
    while ((handlers.pending > 0 || remotes.pending > 0) && clock.now() < untilMs) await sleep(clock, settlePollMs);
  }

  async function end(): Promise<void> {
    await frontend?.leave();
    await membership?.leave();
    await frontend?.stop();
    await hub?.stop();
    await lifecycles.shutdown(server);
    deadlines.clear();
  }

  function drained(graceMs: number): Promise<void> {
    draining ??= drain(graceMs);
    return draining;
  }

  function stop(stopOptions?: { readonly graceMs?: number }): Promise<void> {
    stopping ??= (async () => {
      // A start that failed has ended everything itself.
      if (
        !starting ||
        (await starting.then(
          () => false,
          () => true,
        ))
      )
        return;
      await drained(stopOptions?.graceMs ?? defaultGraceMs);
      await end();
    })();
    return stopping;
  }

  const server: Server = {
    id,
    types,
    log,
    counters: { frontend: frontend?.counters },
    get info() {
      return info();
    },
    get addresses() {
      return addresses;
    },
    start() {
      starting ??= begin();
      return starting;
    },
    drain: () => drained(defaultGraceMs),
    stop,
    group: (name, groupOptions) => core.group(name, groupOptions?.type, noScope),
    userGroup: (name, { ttlMs }) => core.userGroup(name, ttlMs, noScope),
    users: (...ids) => core.users(ids, noScope),
    remote: (service, target) => core.remote(service, target, noScope),
    remoteAll: (service) => core.remoteAll(service, noScope),
    servers: (type) => core.servers(type),
    module: (key) => core.module(key),
  };
  return server;
}
