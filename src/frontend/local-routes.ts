import type { ServerInfo } from "../discovery/index.ts";
import type { Handlers } from "../handler/index.ts";
import type { At } from "../pipeline/index.ts";
import type { RouteInfo } from "../route/index.ts";
import type { Directory, KnownRoute, Router } from "../router/index.ts";

/** A route that nobody but this server answers, whatever is asked. */
export interface LocalRoute {
  readonly server: ServerInfo;
  /** As this server has it. */
  readonly info: RouteInfo;
  readonly at: At;
}

/** Knows which routes need not be picked a server for. */
export class LocalRoutes {
  readonly #options: {
    readonly incarnation: bigint;
    readonly directory: Pick<Directory, "routeOf">;
    readonly router: Pick<Router, "chooses">;
    readonly handlers: Pick<Handlers, "at">;
  };
  // For as long as the servers of a route are the same list.
  readonly #known = new WeakMap<KnownRoute["servers"], LocalRoute | "elsewhere">();
  // Most often the next one is the same.
  #lastServers: KnownRoute["servers"] | undefined;
  #last: LocalRoute | undefined;

  constructor(options: {
    readonly incarnation: bigint;
    readonly directory: Pick<Directory, "routeOf">;
    readonly router: Pick<Router, "chooses">;
    readonly handlers: Pick<Handlers, "at">;
  }) {
    this.#options = options;
  }

  /** Undefined where a server has to be picked. */
  of(known: KnownRoute): LocalRoute | undefined {
    const { servers } = known;
    if (servers === this.#lastServers) return this.#last;
    let local = this.#known.get(servers);
    if (!local) {
      local = this.#find(known) ?? "elsewhere";
      this.#known.set(servers, local);
    }
    this.#lastServers = servers;
    this.#last = local === "elsewhere" ? undefined : local;
    return this.#last;
  }

  #find({ info, servers }: KnownRoute): LocalRoute | undefined {
    const { incarnation, directory, router, handlers } = this.#options;
    const [server] = servers;
    if (!server || servers.length > 1 || server.incarnation !== incarnation) return undefined;
    if (info.policy.by !== "any" || info.policy.own || router.chooses(info.server)) return undefined;
    const at = handlers.at(info.route);
    return at && { server, info: directory.routeOf(server, info.route) ?? info, at };
  }
}
