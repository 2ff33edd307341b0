import type { Clock, Random } from "../clock/index.ts";
import type { ServerInfo } from "../discovery/index.ts";
import type { Link } from "../link/index.ts";
import type { Logger } from "../logger/index.ts";
import type { Directory } from "../router/index.ts";
import type { ClientSession } from "./client-session.ts";
import type { SessionPeers } from "./session-peers.ts";

/** The links of a frontend: to whom there should be one, and what becomes of its sessions there when one breaks. */
export interface FrontendLinks {
  /** `any` chooses among all servers of a type, and groups are heard of from all: from now on all of them are linked. */
  linkAll(type: string): void;
  /** The other servers of a type that can be linked; of an empty one all, since groups without a type are everybody's. */
  ofType(type: string): readonly ServerInfo[];
  opened(link: Link): void;
  broken(link: Link): void;
  closed(link: Link): void;
  serversChanged(): void;
}

/** What they need. */
export interface FrontendLinksOptions {
  readonly incarnation: bigint;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly directory: Directory;
  readonly peers: SessionPeers;
  readonly sessions: () => Iterable<ClientSession>;
  readonly linkOf: (server: ServerInfo) => Link | undefined;
  readonly linkTo: (server: ServerInfo) => Promise<Link>;
}

// As long as a server keeps the sessions of a broken link.
const relinkMs = 5_000;

/** None yet. */
export function createFrontendLinks(options: FrontendLinksOptions): FrontendLinks {
  const { clock, log, directory, peers } = options;
  const linkedTypes = new Set<string>();
  // Servers that saw a session over a link that broke.
  const orphans = new WeakMap<ClientSession, Set<bigint>>();

  function ofType(type: string): readonly ServerInfo[] {
    const servers = type === "" ? directory.servers : directory.ofType(type);
    return servers.filter(({ incarnation, state }) => incarnation !== options.incarnation && state !== "starting");
  }

  function linkAll(type: string): void {
    linkedTypes.add(type);
    for (const server of ofType(type)) {
      if (options.linkOf(server)) continue;
      // Whoever needs the link hears of the failure; the next change of servers tries again.
      options.linkTo(server).catch((reason: unknown) => log.debug({ err: reason, server: server.id }, "no link yet"));
    }
  }

  function relink(server: ServerInfo, untilMs: number): void {
    if (options.linkOf(server) || directory.byIncarnation(server.incarnation) === undefined) return;
    options.linkTo(server).catch(() => {
      const delayMs = 100 + options.random.next() * 400;
      if (clock.now() + delayMs < untilMs) clock.after(delayMs, () => relink(server, untilMs));
    });
  }

  return {
    linkAll,
    ofType,
    opened(link) {
      const { incarnation } = link.peer;
      const waiting = [...options.sessions()].filter((session) => orphans.get(session)?.has(incarnation));
      for (const session of waiting) orphans.get(session)?.delete(incarnation);
      peers.takeOver(link, waiting);
    },
    broken(link) {
      // Whoever dialed does so again; but what waits at the other end for this one's sessions need not wait for that.
      const server = directory.byIncarnation(link.peer.incarnation);
      if (server && !link.dialed) relink(server, clock.now() + relinkMs);
    },
    closed(link) {
      const open = peers.forget(link);
      for (const session of open) {
        // Of what the other server has pushed since it broke, nothing has come.
        if (link.broken) session.missedPushes();
        orphans.set(session, (orphans.get(session) ?? new Set()).add(link.peer.incarnation));
      }
      // The server may be there still, and must not take these sessions for lost.
      const server = directory.byIncarnation(link.peer.incarnation);
      if (server && open.length > 0) relink(server, clock.now() + relinkMs);
    },
    serversChanged() {
      for (const type of linkedTypes) linkAll(type);
    },
  };
}
