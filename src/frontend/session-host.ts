import type { Random } from "../clock/index.ts";
import type { CloseReason } from "../error/index.ts";
import type { GroupKey, Membership } from "../group/index.ts";
import { countClose } from "../metrics/index.ts";
import { createReflection } from "../reflection/index.ts";
import type { RouteInfo } from "../route/index.ts";
import type { LogBudget, LogLimits } from "../session/index.ts";
import type { UserTable } from "../user/index.ts";
import type { ClientSession } from "./client-session.ts";
import type { Connection } from "./connection.ts";
import type { DispatchHost } from "./dispatch-host.ts";
import type { Farewells } from "./farewells.ts";
import { createFindRoute } from "./find-route.ts";
import type { FrontendOptions } from "./frontend-options.ts";
import type { ResolvedLimits } from "./limits.ts";
import { LocalRoutes } from "./local-routes.ts";
import type { PausedSessions } from "./paused-sessions.ts";
import type { Rate } from "./rate.ts";
import { reflecting } from "./reflect.ts";
import type { SessionPeers } from "./session-peers.ts";
import type { SharedPushes } from "./shared-pushes.ts";

/** What a session asks of its frontend. */
export interface SessionHost extends DispatchHost {
  readonly id: string;
  readonly incarnation: bigint;
  readonly limits: ResolvedLimits;
  readonly logLimits: LogLimits;
  readonly messageRate: Rate;
  readonly byteRate: Rate;
  readonly users: UserTable<ClientSession>;
  readonly membership: Membership;
  /** Waits until the cluster knows that a group has members here; gives the ids of the servers that do not in time. */
  heardOf(group: GroupKey): Promise<readonly string[]>;
  readonly peers: SessionPeers;
  /** The handshake is done. */
  opened(session: ClientSession): void;
  ended(session: ClientSession, reason: CloseReason): void;
  flushSoon(connection: Connection): void;
  listenerFailed(reason: unknown): void;
  /** Whether another frontend can take sessions over from this one. */
  canMove(): boolean;
  readonly sharedPushes: SharedPushes;
  readonly paused: PausedSessions<ClientSession>;
  readonly farewells: Farewells;
  readonly budget: LogBudget;
  readonly random: Random;
}

/** What the frontend gives its sessions. */
interface SessionParts
  extends Pick<
    SessionHost,
    "counters" | "peers" | "users" | "membership" | "heardOf" | "sharedPushes" | "paused" | "farewells" | "budget" | "flushSoon"
  > {
  /** Opens links to all servers of a type. */
  linkAll(type: string): void;
  /** The routes that a client may ask about. */
  shown(): readonly RouteInfo[];
  /** A session has ended. False where it never was among those that are here. */
  left(session: ClientSession): boolean;
}

/** Makes it. */
export function createSessionHost(options: FrontendOptions, { linkAll, shown, left, ...parts }: SessionParts): SessionHost {
  const { limits, log, clock, directory } = options;
  // What has getters is looked up by name at each use.
  const { at, begin, dispatch } = options.handlers;
  return {
    ...options,
    ...parts,
    handlers: { at, begin, dispatch },
    logLimits: { messages: limits.queueMessages, bytes: limits.queueBytes },
    messageRate: { perSecond: limits.messagesPerSecond, burst: limits.messagesBurst },
    byteRate: { perSecond: limits.bytesPerSecond, burst: limits.bytesBurst },
    findRoute: createFindRoute(directory, options.types),
    unknownRoute: options.reflection ? reflecting(createReflection(shown), options.unknownRoute) : options.unknownRoute,
    now: () => clock.now(),
    local: new LocalRoutes(options),
    linkTo(server) {
      for (const type of server.types) linkAll(type);
      return options.linkTo(server);
    },
    handlerFailed: (route, reason) => log.error({ err: reason, route }, "a handler threw"),
    listenerFailed: (reason) => log.error({ err: reason }, "a session listener threw"),
    opened: (session) => {
      for (const hook of options.hooks) hook.attach(session.core);
    },
    ended(session, reason) {
      if (left(session)) countClose(parts.counters.closes, reason);
      if (reason.code === "too_slow") parts.counters.tooSlow++;
    },
    canMove: () =>
      directory.servers.some(({ frontend, state, incarnation }) => {
        return frontend && state === "ready" && incarnation !== options.incarnation;
      }),
  };
}
