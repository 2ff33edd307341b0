import { createHmac, timingSafeEqual } from "node:crypto";
import type { AcceptedSocket } from "../acceptor/index.ts";
import type { CloseReason } from "../error/index.ts";
import { createMembership } from "../group/index.ts";
import { createFrontendCounters } from "../metrics/index.ts";
import type { RouteInfo } from "../route/index.ts";
import { LogBudget } from "../session/index.ts";
import { createAdmission } from "./admission.ts";
import { createBackendFrames } from "./backend-frames.ts";
import { createClientCounts } from "./client-counts.ts";
import { createClientForms } from "./client-form.ts";
import { ClientSession } from "./client-session.ts";
import { Connection } from "./connection.ts";
import { countConnections } from "./connection-counts.ts";
import { createConnectionHost } from "./connection-host.ts";
import { createDictionary } from "./dictionary.ts";
import { createDoor } from "./door.ts";
import { createEncodings } from "./encoding.ts";
import { createFarewells } from "./farewells.ts";
import { createFlusher } from "./flusher.ts";
import type { Frontend } from "./frontend.ts";
import { createFrontendLinks } from "./frontend-links.ts";
import type { FrontendOptions } from "./frontend-options.ts";
import { createFrontendUsers } from "./frontend-users.ts";
import { createHandOver } from "./hand-over.ts";
import { createInterestAnnouncer } from "./interest-announcer.ts";
import { latestKey } from "./latest-key.ts";
import { createListening } from "./listening.ts";
import { moveMs, moveSessions } from "./move.ts";
import { createPausedSessions } from "./paused-sessions.ts";
import { createPressure } from "./pressure.ts";
import { createReception } from "./reception.ts";
import { createRelays } from "./relays.ts";
import { createReleases } from "./releases.ts";
import { createFindReturning } from "./returning.ts";
import { createSessionHost } from "./session-host.ts";
import { createSessionNews } from "./session-news.ts";
import { createSessionPeers } from "./session-peers.ts";
import { SharedPushes } from "./shared-pushes.ts";
import { createSweep, sweepMs } from "./sweep.ts";
import { createTakeOver } from "./take-over.ts";

const stopped: CloseReason = { kind: "draining", message: "the server has stopped" };

/** The frontend half of a server. Nothing listens before `start`. */
export function createFrontend(options: FrontendOptions): Frontend {
  const { clock, log, limits, directory } = options;
  const counters = createFrontendCounters();
  const pressure = createPressure(limits, { periodMs: sweepMs, nowMs: clock.now() });
  const admission = createAdmission(limits, { random: options.random, pressure, hits: counters.limits, nowMs: clock.now() });
  const connections = new Set<Connection>();
  const sessions = new Map<string, ClientSession>();
  const flusher = createFlusher(clock);
  const secret = options.random.bytes(32);
  const capability = (id: string): Uint8Array => createHmac("sha256", secret).update(`${options.incarnation}\n${id}`).digest();
  const { table: users, ...bindings } = createFrontendUsers(options);
  const announcer = createInterestAnnouncer({
    clock,
    membership: () => membership,
    servers: (type) => links.ofType(type),
    linkTo: options.linkTo,
  });
  const membership = createMembership((key, has) => {
    if (has) links.linkAll(key.type);
    announcer.changed(key, has);
  });
  const news = createSessionNews({
    peers: createSessionPeers({ clock, capability }),
    clock,
    here: options.watched,
  });
  const { peers } = news;
  const links = createFrontendLinks({ ...options, peers });
  const heard = new Map<bigint, bigint>();
  const backendFrames = createBackendFrames({
    peers,
    users,
    membership,
    sessionById: (id) => sessions.get(id),
    sessions: () => sessions.values(),
    counters: options.clusterCounters,
    tracing: options.tracing,
    heard,
    hasCapability: (id, bytes) => bytes.length === 32 && timingSafeEqual(bytes, capability(id)),
  });
  const now = (): number => clock.now();
  const budget = new LogBudget(limits.processQueueBytes, counters);
  const paused = createPausedSessions<ClientSession>({ limits, hits: counters.limits, budget, now });
  const farewells = createFarewells(limits, budget, now);
  const releases = createReleases(options.clients);
  const countSession = createClientCounts(counters.clients, releases);
  const dictionary = options.dictionary ? createDictionary() : undefined;
  const forms = createClientForms({
    encodings: createEncodings({
      fallback: options.encoding,
      serializers: options.serializers,
      registry: () => directory.registry,
    }),
    dictionary,
    compression: options.compression,
  });
  const shown = (): readonly RouteInfo[] => [...directory.clientRoutes, ...directory.clientPushes];
  let known: ReadonlySet<bigint> = new Set();
  let draining = false;
  let sweep: { cancel(): void } | undefined;
  const door = createDoor({
    limits,
    hits: counters.limits,
    // Who is relayed is known where the session is.
    bound: () => (limits.unboundMs > 0 && options.needsUser() ? users.size - paused.known + relays.clients.size : undefined),
  });
  const look = createSweep({ limits, counters, connections, sessions, needsUser: options.needsUser });

  const sharedPushes = new SharedPushes((push) => latestKey(directory.route(push.route)?.info, push));
  const sessionHost = createSessionHost(options, {
    ...{ counters, peers, users, membership, heardOf: announcer.heard, linkAll: links.linkAll, shown },
    ...{ sharedPushes, paused, farewells, budget, flushSoon: flusher.add },
    left(session) {
      if (!sessions.delete(session.id)) return false;
      countSession(session, -1);
      return true;
    },
  });

  const returning = createFindReturning({ incarnation: options.incarnation, sessions, farewells });
  const relays = createRelays({
    ...{ ...options, returning, counters: options.clusterCounters },
    isOpen: () => !draining,
    accept: (socket) => accept(socket, "relay"),
  });

  const handOver = createHandOver({
    ...{ clock, returning, peers, membership, links: options.links, isOpen: () => !draining },
    counters: options.clusterCounters,
    heard: () => new Map(heard).set(options.incarnation, options.pushed.number),
  });
  function admitted(session: ClientSession): void {
    sessions.set(session.id, session);
    countSession(session, 1);
  }

  const reception = createReception({
    ...options,
    relays,
    takeOver: createTakeOver({ ...options, membership, peers, heardOf: announcer.heard, admitted }),
    forms,
    releases,
    outdated: () => counters.mustUpdate++,
    counters,
    returning,
    isOpen: () => !draining,
    begin: (id, connection, client) => new ClientSession(id, connection, client, sessionHost),
    admitted,
  });

  const connectionHost = createConnectionHost(options, {
    ...{ counters, sharedPushes, door, admission, handshake: reception, flushSoon: flusher.add },
    isDraining: () => draining,
    closed: (connection) => {
      flusher.remove(connection);
      if (connections.delete(connection)) door.left(connection.remoteAddress, connection.acknowledged);
    },
  });

  function accept(socket: AcceptedSocket, acceptor: string): Connection {
    counters.accepted++;
    const connection = new Connection(socket, acceptor, connectionHost);
    const kick = door.enter(socket.remoteAddress);
    if (!kick) connections.add(connection);
    // Whoever has too many already gains nothing by coming back.
    else connection.turnAway({ kick, afterMs: kick.code === "busy" ? admission.later(clock.now()) : undefined });
    return connection;
  }

  const acceptors = createListening(options, accept);

  return {
    counters,
    membership,
    users,
    get connections() {
      return door.connections;
    },
    connectionStates: () => countConnections(options.acceptors, connections),
    get sessions() {
      return sessions.size;
    },
    get paused() {
      return paused.size;
    },
    get pending() {
      let pending = 0;
      for (const session of sessions.values()) pending += session.pending;
      return pending;
    },
    async start() {
      const spare = options.net.spareSockets?.();
      if (!door.measure(spare)) {
        log.warn(
          { limit: limits.connections, spare },
          "the system allows fewer open files than limits.connections: fewer clients come in",
        );
      }
      const addresses = await acceptors.start(door.maxSockets);
      bindings.start();
      pressure.look(clock.now());
      sweep = clock.every(sweepMs, () => {
        const nowMs = now();
        for (const each of [pressure.look, look, paused.look, farewells.look]) each(nowMs);
      });
      return addresses;
    },
    pause() {
      draining = true;
      acceptors.pause();
    },
    frame: (link, body) =>
      relays.frame(link, body) || handOver.frame(link, body) || news.frame(link, body) || backendFrames.frame(link, body),
    ask: (body) => backendFrames.ask(body),
    find: (key) => backendFrames.session(key).core,
    close(key) {
      void backendFrames.session(key).end({ kind: "left", message: "a server has closed the session" });
    },
    linkOpened(link) {
      announcer.opened(link);
      links.opened(link);
    },
    linkBroken(link) {
      relays.broken(link);
      news.forget(link);
      links.broken(link);
    },
    linkClosed(link) {
      relays.broken(link);
      announcer.closed(link);
      news.forget(link);
      links.closed(link);
    },
    serversChanged() {
      dictionary?.learn(shown().map(({ route }) => route));
      links.serversChanged();
      const here = new Set(directory.servers.map((server) => server.incarnation));
      for (const incarnation of known) {
        if (!here.has(incarnation)) for (const session of sessions.values()) session.peerLost(incarnation);
      }
      for (const incarnation of heard.keys()) if (!here.has(incarnation)) heard.delete(incarnation);
      known = here;
    },
    moveMs: (leftMs) => moveMs(sessions.size + relays.clients.size, leftMs),
    async move(time) {
      await Promise.all([moveSessions(sessions, time, options), moveSessions(relays.clients, time, options)]);
    },
    leave: () => bindings.stop(),
    async stop() {
      sweep?.cancel();
      links.stop();
      await acceptors.stop();
      for (const connection of [...connections]) connection.destroy(stopped);
      for (const session of [...sessions.values()]) void session.end(stopped);
    },
  };
}
