import { createHmac, timingSafeEqual } from "node:crypto";
import type { Acceptor } from "../acceptor/index.ts";
import { type Clock, type Random, sleep, toHex, within } from "../clock/index.ts";
import type { ServerInfo } from "../discovery/index.ts";
import { createMembership, type Membership } from "../group/index.ts";
import type { HandshakeRequest } from "../handshake/index.ts";
import type { FrameBody, Link } from "../link/index.ts";
import type { Logger } from "../logger/index.ts";
import type { Net } from "../net/index.ts";
import type { Serializer } from "../serializer/index.ts";
import type { ServerSessionHooks } from "../session/index.ts";
import { createUserTable, type UserTable } from "../user/index.ts";
import { type Authenticate, type Authenticated, firstData, type Refusal } from "./authenticate.ts";
import { createBackendFrames } from "./backend-frames.ts";
import { ClientSession, type SessionHost } from "./client-session.ts";
import { Connection, type ConnectionHost, type HandshakeOutcome } from "./connection.ts";
import { createFrontendCounters, type FrontendCounters } from "./counters.ts";
import type { DispatchHost } from "./dispatcher.ts";
import { createEncodings } from "./encoding.ts";
import { createInterestAnnouncer } from "./interest-announcer.ts";
import { latestKey } from "./latest-key.ts";
import type { ResolvedLimits } from "./limits.ts";
import { createSessionPeers } from "./session-peers.ts";
import { createSlab } from "./writer.ts";

/** The half of a server that holds clients. */
export interface Frontend {
  readonly counters: FrontendCounters;
  readonly connections: number;
  readonly sessions: number;
  /** Messages of clients that wait for an answer. */
  readonly pending: number;
  readonly membership: Membership;
  readonly users: UserTable<ClientSession>;
  /** Starts the acceptors, and gives their addresses by name. One that cannot listen stops those before, and throws. */
  start(): Promise<Record<string, string>>;
  /** Takes no more clients. */
  pause(): void;
  frame(link: Link, body: FrameBody): boolean;
  linkOpened(link: Link): void;
  linkClosed(link: Link): void;
  /** The list of servers changed: links to new ones may be due. */
  serversChanged(): void;
  /** Ends every session with the kick code `moved`, each when its messages are answered, at the latest at a time of the clock. Resolves when all have ended everywhere. */
  release(untilMs: number): Promise<void>;
  stop(): Promise<void>;
}

/** What a frontend is made of. */
export interface FrontendOptions extends Omit<DispatchHost, "peers" | "limits" | "refused" | "now" | "handlerFailed"> {
  readonly id: string;
  readonly acceptors: readonly Acceptor[];
  readonly authenticate: Authenticate | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly net: Net;
  readonly log: Logger;
  readonly limits: ResolvedLimits;
  /** The encoding of clients that name none. */
  readonly encoding: string;
  readonly serializers: readonly Serializer[];
  readonly hooks: readonly ServerSessionHooks[];
  /** Whether any method that clients may call needs a user. */
  readonly needsUser: () => boolean;
}

// Timers come late now and then: a heartbeat may leave half a sweep early, rather than a whole one late.
const sweepMs = 1_000;
const releasePollMs = 20;

/** The frontend half of a server. Nothing listens before `start`. */
export function createFrontend(options: FrontendOptions): Frontend {
  const { clock, log, limits, directory } = options;
  const counters = createFrontendCounters();
  const connections = new Set<Connection>();
  const sessions = new Map<string, ClientSession>();
  const dirty = new Set<Connection>();
  const secret = options.random.bytes(32);
  const capability = (id: string): Uint8Array => createHmac("sha256", secret).update(`${options.incarnation}\n${id}`).digest();
  const users = createUserTable<ClientSession>(clock);
  const announcer = createInterestAnnouncer(() => membership);
  const membership = createMembership((key, has) => {
    if (has) linkAll(key.type);
    announcer.changed(key, has);
  });
  const peers = createSessionPeers({ clock, capability });
  const backendFrames = createBackendFrames({
    peers,
    users,
    membership,
    sessionById: (id) => sessions.get(id),
    hasCapability: (id, bytes) => bytes.length === 32 && timingSafeEqual(bytes, capability(id)),
  });
  const encodings = createEncodings({
    fallback: options.encoding,
    serializers: options.serializers,
    registry: () => directory.registry,
  });
  const started: Acceptor[] = [];
  // Servers that saw a session over a link that broke.
  const orphans = new WeakMap<ClientSession, Set<bigint>>();
  // Types of which a method was called or a group has members: `any` chooses among all their servers, so all are linked.
  const linkedTypes = new Set<string>();
  let known: ReadonlySet<bigint> = new Set();
  let flushing = false;
  let sweep: { cancel(): void } | undefined;

  function linkAll(type: string): void {
    linkedTypes.add(type);
    for (const server of directory.ofType(type)) {
      if (server.incarnation === options.incarnation || server.state === "starting" || options.linkOf(server)) continue;
      // Whoever needs the link hears of the failure; the next change of servers tries again.
      options.linkTo(server).catch((reason: unknown) => log.debug({ err: reason, server: server.id }, "no link yet"));
    }
  }

  const sessionHost: SessionHost = {
    ...options,
    peers,
    users,
    membership,
    directory,
    now: () => clock.now(),
    linkTo(server: ServerInfo) {
      for (const type of server.types) linkAll(type);
      return options.linkTo(server);
    },
    refused: (stage) => void counters.refused[stage]++,
    handlerFailed: (route, reason) => log.error({ err: reason, route }, "a handler threw"),
    listenerFailed: (reason) => log.error({ err: reason }, "a session listener threw"),
    opened: (session) => {
      for (const hook of options.hooks) hook.attach(session.core);
    },
    ended(session, reason) {
      sessions.delete(session.id);
      if (reason.code === "too_slow") counters.tooSlow++;
    },
    flushSoon,
    latestKey: (push) => latestKey(directory.route(push.route)?.info, push),
  };

  const connectionHost: ConnectionHost = {
    limits,
    counters,
    slab: createSlab(),
    messages: (route) => directory.route(route)?.info.output,
    now: () => clock.now(),
    handshake,
    flushSoon,
    closed: (connection) => {
      connections.delete(connection);
      dirty.delete(connection);
    },
  };

  function flushSoon(connection: Connection): void {
    dirty.add(connection);
    if (flushing) return;
    flushing = true;
    clock.soon(() => {
      flushing = false;
      const turn = [...dirty];
      dirty.clear();
      for (const one of turn) one.flush();
    });
  }

  async function handshake(connection: Connection, request: HandshakeRequest): Promise<HandshakeOutcome> {
    const encoding = encodings.choose(request);
    if (!encoding) {
      return refuse(400, "invalid_argument", `this server does not speak "${request.sys.serializer}"`);
    }
    const { sys } = request;
    const platform = sys.platform ?? sys.type ?? "";
    const version = sys.clientVersion ?? sys.version ?? "";
    const { remoteAddress } = connection;
    const client = { platform, version, fingerprint: sys.nano?.fingerprint, remoteAddress };
    const id = toHex(options.random.bytes(16));
    const session = new ClientSession(id, connection, client, sessionHost);
    try {
      const decided: Authenticated | Refusal | undefined = await within(
        clock,
        Math.max(1, connection.acceptedAtMs + limits.handshakeMs - clock.now()),
        Promise.resolve(options.authenticate?.({ platform, version, user: request.user, remoteAddress, resumed: false })),
        () => ({ code: "deadline_exceeded", reason: "authentication took too long" }),
      );
      if (decided && "reason" in decided) return refuse(400, decided.code, decided.reason);
      sessions.set(id, session);
      if (decided) await admit(session, decided);
      return { ok: true, session, encoding };
    } catch (reason) {
      log.error({ err: reason }, "authenticate threw");
      return { ...refuse(400, "internal", "authentication failed"), begun: session };
    }
  }

  async function admit(session: ClientSession, { user, roles, data }: Authenticated): Promise<void> {
    if (data) await session.write(firstData(data), undefined);
    await session.bind(user, roles ?? []);
  }

  function look(): void {
    const now = clock.now();
    const needsUser = limits.unboundMs > 0 && options.needsUser();
    for (const connection of connections) {
      // `authenticate` has a deadline of its own, and its refusal must reach the client.
      if (connection.state === "deciding") continue;
      if (connection.state !== "working") {
        if (now - connection.waitsSinceMs < limits.handshakeMs) continue;
        counters.handshakesRefused++;
        connection.destroy({ kind: "protocol", code: "deadline_exceeded", message: "the handshake took too long" });
        continue;
      }
      if (now - connection.lastReceivedAtMs >= (connection.nano ? limits.deadMs : limits.deadOtherMs)) {
        counters.silent++;
        connection.destroy({ kind: "lost", message: "the client fell silent" });
      } else if (now - connection.lastHeartbeatAtMs >= limits.heartbeatMs - sweepMs / 2) connection.heartbeat();
    }
    if (!needsUser) return;
    for (const session of [...sessions.values()]) {
      if (session.core.user !== undefined || now - session.openedAtMs < limits.unboundMs) continue;
      void session.end({ kind: "kicked", code: "unauthenticated", message: "the session had no user for too long" });
    }
  }

  async function stopAcceptors(): Promise<void> {
    await Promise.all(started.splice(0).map((acceptor) => acceptor.stop()));
  }

  return {
    counters,
    membership,
    users,
    get connections() {
      return connections.size;
    },
    get sessions() {
      return sessions.size;
    },
    get pending() {
      let pending = 0;
      for (const session of sessions.values()) pending += session.pending;
      return pending;
    },
    async start() {
      const addresses: Record<string, string> = {};
      const host = { net: options.net, clock, log, maxPacketBytes: limits.packetBytes };
      try {
        for (const acceptor of options.acceptors) {
          if (acceptor.name in addresses) throw new TypeError(`two acceptors are named "${acceptor.name}"`);
          addresses[acceptor.name] = await acceptor.start((socket) => {
            counters.accepted++;
            const connection = new Connection(socket, connectionHost);
            if (connections.size >= limits.connections) {
              connection.destroy({ kind: "protocol", code: "resource_exhausted", message: "too many connections" });
            } else connections.add(connection);
            return connection;
          }, host);
          started.push(acceptor);
        }
      } catch (reason) {
        await stopAcceptors();
        throw reason;
      }
      sweep = clock.every(sweepMs, look);
      return addresses;
    },
    pause() {
      for (const acceptor of started) acceptor.pause();
    },
    frame: backendFrames,
    linkOpened(link) {
      announcer.opened(link);
      const waiting = [...sessions.values()].filter((session) => orphans.get(session)?.has(link.peer.incarnation));
      for (const session of waiting) orphans.get(session)?.delete(link.peer.incarnation);
      peers.takeOver(link, waiting);
    },
    linkClosed(link) {
      announcer.closed(link);
      const open = peers.forget(link);
      for (const session of open) {
        orphans.set(session, (orphans.get(session) ?? new Set()).add(link.peer.incarnation));
      }
      // The server may be there still, and must not take these sessions for lost.
      const server = directory.byIncarnation(link.peer.incarnation);
      if (server && open.length > 0) relink(server, clock.now() + relinkMs);
    },
    serversChanged() {
      for (const type of linkedTypes) linkAll(type);
      const here = new Set(directory.servers.map((server) => server.incarnation));
      for (const incarnation of known) {
        if (!here.has(incarnation)) for (const session of sessions.values()) session.peerLost(incarnation);
      }
      known = here;
    },
    async release(untilMs) {
      const moved = { kind: "draining", code: "moved", message: "the server stops: connect again" } as const;
      const ended: Promise<void>[] = [];
      while (sessions.size > 0) {
        const late = clock.now() >= untilMs;
        for (const session of [...sessions.values()]) if (late || session.pending === 0) ended.push(session.end(moved));
        if (sessions.size > 0) await sleep(clock, releasePollMs);
      }
      await Promise.all(ended);
    },
    async stop() {
      sweep?.cancel();
      await stopAcceptors();
      for (const connection of [...connections]) connection.destroy({ kind: "draining", message: "the server has stopped" });
    },
  };

  function relink(server: ServerInfo, untilMs: number): void {
    if (options.linkOf(server) || directory.byIncarnation(server.incarnation) === undefined) return;
    options.linkTo(server).catch(() => {
      const delayMs = 100 + options.random.next() * 400;
      if (clock.now() + delayMs < untilMs) clock.after(delayMs, () => relink(server, untilMs));
    });
  }
}

// As long as a server keeps the sessions of a broken link.
const relinkMs = 5_000;

function refuse(code: number, kick: string, reason: string): Extract<HandshakeOutcome, { readonly ok: false }> {
  return { ok: false, code, kick: { code: kick, reason } };
}
