import type { Random } from "../clock/index.ts";
import type { ServerInfo } from "../discovery/index.ts";
import { NanoError } from "../error/index.ts";
import type { RouteInfo } from "../route/index.ts";
import type { KnownRoute } from "./directory.ts";
import { readKey } from "./key.ts";
import { rendezvous } from "./rendezvous.ts";

/** A server as stickiness remembers it: another incarnation under its id is another server. */
export interface ServerKey {
  readonly id: string;
  readonly incarnation: bigint;
}

/** What is known of a call when its server is picked. */
export interface RouteQuery {
  readonly body: Uint8Array;
  /** The server that answered the session before, for sticky methods. */
  readonly before: ServerKey | undefined;
  /** The server that failed the call, where it is tried once more: `any` takes another, if there is one. */
  readonly failed?: ServerKey | undefined;
}

/** Picks servers. */
export interface Router {
  /** By the rule of the schema. Throws `unavailable` where nobody is there. */
  pick(route: KnownRoute, query: RouteQuery): ServerInfo;
  /** By a key that the caller names. */
  pickByKey(route: KnownRoute, key: string): ServerInfo;
}

/** What a router asks of the links. */
export interface RouterOptions {
  readonly random: Random;
  /** How busy a server is, or undefined where no link to it is open. */
  readonly load: (server: ServerInfo) => number | undefined;
}

/** Makes a router. */
export function createRouter(options: RouterOptions): Router {
  /** The less busy of two, among those that are linked; among all where none is. */
  function any(all: readonly ServerInfo[], failed: ServerKey | undefined): ServerInfo | undefined {
    const others = failed ? all.filter((server) => server.incarnation !== failed.incarnation) : all;
    const servers = others.length > 0 ? others : all;
    if (servers.length <= 1) return servers[0];
    const linked = servers.filter((server) => options.load(server) !== undefined);
    const among = linked.length > 0 ? linked : servers;
    const at = Math.floor(options.random.next() * among.length);
    // Another one than the first, where there is any.
    const beside = 1 + Math.floor(options.random.next() * (among.length - 1));
    const first = among[at];
    const second = among[(at + beside) % among.length];
    if (!first || !second) return undefined;
    return (options.load(second) ?? 0) < (options.load(first) ?? 0) ? second : first;
  }

  function found(server: ServerInfo | undefined, info: RouteInfo): ServerInfo {
    if (server) return server;
    throw new NanoError({ code: "unavailable", message: `no server of type ${info.server} is ready` });
  }

  return {
    pick({ info, servers, serving }, { body, before, failed }) {
      const { by } = info.policy;
      if (by === "any") return found(any(servers, failed), info);
      if (by !== "sticky") return found(rendezvous(readKey(info.input, by.key, body), servers), info);
      // Nobody answered yet: whoever does will be asked again.
      if (!before) return found(any(servers, failed), info);
      const same = serving.find((server) => server.id === before.id && server.incarnation === before.incarnation);
      if (same) return same;
      throw new NanoError({ code: "unavailable", message: `the server that served this session (${before.id}) is gone` });
    },
    pickByKey: ({ info, servers }, key) => found(rendezvous(key, servers), info),
  };
}
