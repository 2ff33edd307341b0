import type { Clock } from "../clock/index.ts";
import type { ServerInfo, Store } from "../discovery/index.ts";
import type { Link } from "../link/index.ts";
import type { Logger } from "../logger/index.ts";
import type { Directory } from "../router/index.ts";
import { createClaims, createRivals, createUserTable, type UserTable } from "../user/index.ts";
import type { ClientSession } from "./client-session.ts";

/** How many sessions a user may have, and what a bind does that the cluster cannot be told of. */
export interface UserSessions {
  readonly single: boolean;
  readonly strict: boolean;
}

/** What the users of a frontend are told to the cluster by. */
export interface FrontendUsersOptions {
  readonly id: string;
  readonly incarnation: bigint;
  readonly clock: Clock;
  readonly log: Logger;
  readonly directory: Directory;
  readonly userSessions: UserSessions;
  /** What the cluster remembers. */
  readonly store: () => Store;
  /** How long bindings outlive a server that is gone. */
  readonly leaseMs: () => number;
  /** Those that are open. */
  readonly links: () => Iterable<Link>;
  readonly linkTo: (server: ServerInfo) => Promise<Link>;
}

/** The users of one frontend. */
export interface FrontendUsers {
  readonly table: UserTable<ClientSession>;
  start(): void;
  /** The cluster forgets that they were here. */
  stop(): Promise<void>;
}

/** Nobody is here yet. */
export function createFrontendUsers(options: FrontendUsersOptions): FrontendUsers {
  const { id, incarnation, clock, log, directory, store, leaseMs } = options;
  const { single, strict } = options.userSessions;
  const rivals = createRivals({
    clock,
    linkTo(to) {
      const server = directory.byIncarnation(to);
      return server && options.linkTo(server);
    },
    *frontends() {
      for (const link of options.links()) if (link.peer.frontend) yield link;
    },
  });
  const claims = createClaims({
    clock,
    log,
    store,
    leaseMs,
    lost: (own, { user, session, boundMs }) => void table.claimed({ user, session, boundMs, former: own.session }),
    took: (own, former) => void rivals.end(former, own),
  });
  const table: UserTable<ClientSession> = createUserTable<ClientSession>({
    clock,
    self: { id, incarnation },
    single: single ? { claims, rivals, strict } : undefined,
  });
  return {
    table,
    start() {
      if (single) claims.start();
    },
    stop: () => claims.stop(),
  };
}
