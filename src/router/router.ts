import type { Random } from "../clock/index.ts";
import type { ServerInfo } from "../discovery/index.ts";
import { NanoError } from "../error/index.ts";
import type { RouteInfo } from "../route/index.ts";
import type { SessionCore } from "../session/index.ts";
import type { KnownRoute } from "./directory.ts";
import { readKey } from "./key.ts";
import { KnownHomes } from "./known-homes.ts";
import { rendezvous } from "./rendezvous.ts";
import { CallToRoute, type RoutingFunction } from "./routing-function.ts";

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
  /** The server that failed the call, where it is tried once more: `any` takes another, if there is one, and so does an owned key that has no known home. */
  readonly failed?: ServerKey | undefined;
  /** For routing functions. */
  readonly session?: SessionCore | undefined;
}

/** Picks servers. */
export interface Router {
  /** By the type's routing function, or else the rule of the schema; a promise where the function gives one. Throws or rejects with `unavailable` where nobody is there. */
  pick(route: KnownRoute, query: RouteQuery): ServerInfo | Promise<ServerInfo>;
  /** Whether the application itself picks the servers of a type. */
  chooses(type: string): boolean;
  /** By a key that the caller names. */
  pickByKey(route: KnownRoute, key: string): ServerInfo;
  /** Whether it is known where the call must go: false only where its key is owned, and nobody has answered for it yet. */
  isSure(route: KnownRoute, body: Uint8Array): boolean;
  /** An owned key's home is on the server of an incarnation; 0: on none that is known. False where no such server is there. */
  learn(route: KnownRoute, body: Uint8Array, home: bigint): boolean;
  /** A server has no owned keys any more, and claims none. */
  homeless(incarnation: bigint): void;
}

/** What a router asks of the links, and of the application. */
export interface RouterOptions {
  readonly random: Random;
  /** How busy a server is, or undefined where no link to it is open. */
  readonly load: (server: ServerInfo) => number | undefined;
  /** The application's own choices, by server type. */
  readonly routers?: Readonly<Record<string, RoutingFunction>> | undefined;
  /** A routing function threw what is no NanoError. */
  readonly routerFailed?: (type: string, reason: unknown) => void;
}

/** Makes a router. Throws a TypeError where a routing function is none. */
export function createRouter(options: RouterOptions): Router {
  const homes = new KnownHomes();
  const routers = options.routers && new Map(Object.entries(options.routers));
  for (const [type, choose] of routers ?? []) {
    if (typeof choose !== "function") throw new TypeError(`routers.${type} is no function`);
  }

  /** The less busy of two, among those that are linked; among all where none is. */
  function any(all: readonly ServerInfo[], failed: ServerKey | undefined): ServerInfo | undefined {
    const servers = without(all, failed);
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

  function byRule({ info, servers, serving }: KnownRoute, { body, before, failed }: RouteQuery): ServerInfo {
    const { by, own } = info.policy;
    if (by === "any") return found(any(servers, failed), info);
    if (by !== "sticky") {
      const key = readKey(info.input, by.key, body);
      // Of an owned key whoever can take it may.
      return found(rendezvous(key, own ? without(servers, failed) : servers), info);
    }
    // Nobody answered yet: whoever does will be asked again.
    if (!before) return found(any(servers, failed), info);
    const same = serving.find((server) => server.id === before.id && server.incarnation === before.incarnation);
    if (same) return same;
    throw new NanoError({ code: "unavailable", message: `the server that served this session (${before.id}) is gone` });
  }

  function homeOf({ info, serving }: KnownRoute, key: string): ServerInfo | undefined {
    const home = homes.of(info.server, key);
    return home === undefined ? undefined : serving.find(({ incarnation }) => incarnation === home);
  }

  function ownKey({ info }: KnownRoute, body: Uint8Array): string | undefined {
    const { by, own } = info.policy;
    return own && typeof by === "object" ? readKey(info.input, by.key, body) : undefined;
  }

  function byFunction(choose: RoutingFunction, known: KnownRoute, query: RouteQuery): ServerInfo | Promise<ServerInfo> {
    const { info } = known;
    const servers = info.policy.own ? without(known.servers, query.failed) : known.servers;
    const chosen = (server: ServerInfo | undefined): ServerInfo => {
      if (server === undefined) return byRule(known, query);
      const there = known.serving.find(({ incarnation }) => incarnation === server.incarnation);
      if (there) return there;
      throw new NanoError({
        code: "unavailable",
        message: `the routing of ${info.server} chose the server "${server.id}", which is not there`,
      });
    };
    const failed = (reason: unknown): never => {
      if (reason instanceof NanoError) throw reason;
      options.routerFailed?.(info.server, reason);
      throw new NanoError({ code: "internal", message: `the routing of ${info.server} failed`, cause: reason });
    };
    try {
      const choice = choose(new CallToRoute(info, query.body, query.session), servers);
      return choice instanceof Promise ? choice.then(chosen).catch(failed) : chosen(choice);
    } catch (reason) {
      return failed(reason);
    }
  }

  return {
    pick(known, query) {
      if (known.info.policy.own) {
        const key = ownKey(known, query.body);
        const home = key === undefined ? undefined : homeOf(known, key);
        if (home) return home;
      }
      const choose = routers?.get(known.info.server);
      return choose ? byFunction(choose, known, query) : byRule(known, query);
    },
    chooses: (type) => routers?.has(type) ?? false,
    pickByKey: (known, key) => {
      const home = known.info.policy.own ? homeOf(known, key) : undefined;
      return home ?? found(rendezvous(key, known.servers), known.info);
    },
    isSure(known, body) {
      const key = ownKey(known, body);
      return key === undefined || homeOf(known, key) !== undefined;
    },
    learn(known, body, home) {
      const key = ownKey(known, body);
      if (key === undefined) return false;
      if (home !== 0n)
        return known.serving.some(({ incarnation }) => incarnation === home) && homes.learn(known.info.server, key, home);
      homes.forget(known.info.server, key);
      return true;
    },
    homeless: (incarnation) => homes.leave(incarnation),
  };
}

function found(server: ServerInfo | undefined, info: RouteInfo): ServerInfo {
  if (server) return server;
  throw new NanoError({ code: "unavailable", message: `no server of type ${info.server} is ready` });
}

/** All but one, if there are others. */
function without(servers: readonly ServerInfo[], failed: ServerKey | undefined): readonly ServerInfo[] {
  if (!failed) return servers;
  const others = servers.filter((server) => server.incarnation !== failed.incarnation);
  return others.length > 0 ? others : servers;
}
