import type { Backend } from "../backend/index.ts";
import type { ServerInfo } from "../discovery/index.ts";
import { NanoError } from "../error/index.ts";
import { type Frontend, latestKey } from "../frontend/index.ts";
import { createLinkHub, type Link, type LinkEvents, type LinkHub, type Roles } from "../link/index.ts";
import { createPlainHub, type PlainHub } from "../plain/index.ts";
import type { Directory } from "../router/index.ts";
import type { Base } from "./base.ts";
import type { Calls } from "./calls.ts";
import type { CheckedCluster } from "./cluster-options.ts";
import { createClusterPort } from "./cluster-port.ts";

/** The ways to the other servers: links, and plain calls to those that have none. */
export interface ClusterLinks {
  /** Absent on a server that is in no cluster. */
  readonly hub: LinkHub | undefined;
  /** Absent on a server that is in no cluster. */
  readonly plain: PlainHub | undefined;
  /** Opens one where there is none. Rejects with NanoError `unavailable`. */
  linkTo(server: ServerInfo): Promise<Link>;
  /** The one that is open. */
  linkOf(server: ServerInfo): Link | undefined;
}

/** What they are made of. */
export interface ClusterLinksOptions {
  readonly base: Base;
  /** Absent on a server that is in no cluster. */
  readonly cluster: CheckedCluster | undefined;
  readonly schemaHash: string;
  readonly roles: Roles;
  readonly directory: Directory;
  readonly backend: Backend;
  readonly calls: Calls;
  /** Absent where the server is none. Asked when somebody calls. */
  readonly frontend: () => Frontend | undefined;
  readonly events: LinkEvents;
}

/** No links. */
export function createClusterLinks(options: ClusterLinksOptions): ClusterLinks {
  const { base, cluster, roles, directory, calls, events } = options;
  const { id, incarnation, types, isFrontend, net, clock, random, log, counters } = base;

  const hub =
    cluster &&
    createLinkHub({
      self: () => ({ id, incarnation, types, frontend: isFrontend, schema: options.schemaHash }),
      transport: createClusterPort({ ...options, cluster, linkTo }),
      ...{ clock, random, log, roles, counters, events },
      tokens: cluster.tokens,
      load: () => calls.load,
      latestKey: (push) => latestKey(directory.route(push.route)?.info, push),
    });
  const plain =
    cluster &&
    createPlainHub({
      ...{ net, clock, random, log, roles, events },
      tls: cluster.tls,
      tokens: cluster.tokens,
      routeOf: directory.routeOf,
    });

  async function linkTo(server: ServerInfo): Promise<Link> {
    const to = server.forward === "unary" ? plain : hub;
    if (!to) throw new NanoError({ code: "unavailable", message: "this server is in no cluster" });
    return to.linkTo(server);
  }

  return {
    hub,
    plain,
    linkTo,
    linkOf: (server) => (server.forward === "unary" ? plain : hub)?.find(server.incarnation),
  };
}
