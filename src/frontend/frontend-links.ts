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
  /** No link is opened again from here. */
  stop(): void;
}

/** What they need. */
export interface FrontendLinksOptions {
  readonly incarnation: bigint;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly directory: Directory;
  readonly peers: SessionPeers;
  /** How long the cluster lists a server that is gone. */
  readonly leaseMs: () => number;
  readonly linkOf: (server: ServerInfo) => Link | undefined;
  readonly linkTo: (server: ServerInfo) => Promise<Link>;
}

// As long as a server keeps the sessions of a broken link.
const relinkMs = 5_000;

/** Sessions that were open on a link that is gone. */
interface Left {
  readonly sessions: readonly ClientSession[];
  /** Whether pushes to them may be lost: the link stayed broken. */
  readonly missed: boolean;
}

/** None yet. */
export function createFrontendLinks(options: FrontendLinksOptions): FrontendLinks {
  const { clock, log, directory, peers } = options;
  const linkedTypes = new Set<string>();
  // By the servers that have seen them.
  const left = new Map<bigint, Left>();
  let stopped = false;

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

  /** Whether it must be linked as long as it is there: how else would it hear of members of its groups. */
  function hears({ types }: ServerInfo): boolean {
    return linkedTypes.has("") || types.some((type) => linkedTypes.has(type));
  }

  function relink(server: ServerInfo, untilMs: number): void {
    if (stopped || options.linkOf(server) || directory.byIncarnation(server.incarnation) === undefined) return;
    options.linkTo(server).catch(() => {
      const delayMs = 100 + options.random.next() * 400;
      if (clock.now() + delayMs < untilMs) clock.after(delayMs, () => relink(server, untilMs));
    });
  }

  /** A server is still there, or again: where pushes were lost on the way, their sessions are over. Gives those that go on. */
  function found(incarnation: bigint): readonly ClientSession[] {
    const { sessions, missed } = left.get(incarnation) ?? { sessions: [], missed: false };
    left.delete(incarnation);
    if (!missed) return sessions;
    for (const session of sessions) session.missedPushes();
    return [];
  }

  return {
    linkAll,
    ofType,
    opened(link) {
      peers.takeOver(link, found(link.peer.incarnation));
    },
    broken(link) {
      // Whoever dialed does so again; but what waits at the other end for this one's sessions need not wait for that.
      const server = directory.byIncarnation(link.peer.incarnation);
      if (server && !link.dialed) relink(server, clock.now() + relinkMs);
    },
    closed(link) {
      const sessions = peers.forget(link);
      const { incarnation } = link.peer;
      const server = directory.byIncarnation(incarnation);
      // The server may be there still, and must not take these sessions for lost.
      if (server && link.carries) relink(server, hears(server) ? Number.POSITIVE_INFINITY : clock.now() + relinkMs);
      if (sessions.length === 0) return;
      const gone: Left = { sessions, missed: link.broken };
      left.set(incarnation, gone);
      // What it has pushed since then has not come. If it is dead, it has pushed nothing: that is known when its lease is over.
      clock.after(options.leaseMs() + relinkMs, () => {
        if (left.get(incarnation) !== gone) return;
        if (directory.byIncarnation(incarnation)) found(incarnation);
        else left.delete(incarnation);
      });
    },
    serversChanged() {
      for (const type of linkedTypes) linkAll(type);
    },
    stop() {
      stopped = true;
    },
  };
}
