import { createRegistry, type Registry } from "@bufbuild/protobuf";
import { ViolationsSchema } from "../../gen/buf/validate/validate_pb.ts";
import type { ServerInfo } from "../discovery/index.ts";
import type { Logger } from "../logger/index.ts";
import { type RouteInfo, readSchema, type ServerSchema } from "../route/index.ts";

/** One route, and who answers it. */
export interface KnownRoute {
  readonly info: RouteInfo;
  /** The servers of its type that are ready and whose schema has it, by id; where none is, those that are draining: better than nobody. */
  readonly servers: readonly ServerInfo[];
  /** Those that are ready, and those that are draining: they still serve who is stuck to them. */
  readonly serving: readonly ServerInfo[];
}

/** What this server knows of the cluster: who is there, and what each can be asked. */
export interface Directory {
  /** All servers, by id. */
  readonly servers: readonly ServerInfo[];
  readonly types: readonly string[];
  byId(id: string): ServerInfo | undefined;
  byIncarnation(incarnation: bigint): ServerInfo | undefined;
  ofType(type: string): readonly ServerInfo[];
  /** A route that any server has or had; its servers may be gone. */
  route(route: string): KnownRoute | undefined;
  /** Every route that clients may call. */
  readonly clientRoutes: readonly RouteInfo[];
  /** Every push that clients may hear. */
  readonly clientPushes: readonly RouteInfo[];
  /** The policy and messages as that one server has them. */
  routeOf(server: ServerInfo, route: string): RouteInfo | undefined;
  /** Finds messages by name, of every schema that was read, and what details a message that breaks their rules. */
  readonly registry: Registry;
  /** A server says itself that it takes no new work: its record may say so later, or never where discovery is away. */
  drains(incarnation: bigint): void;
  /** The servers changed. Resolves when the schemas that were not known have been read, or were not to be had. */
  update(servers: readonly ServerInfo[]): Promise<void>;
}

/** What a directory is made of. */
export interface DirectoryOptions {
  /** Reads a schema, gzipped; undefined where it is not known. */
  readonly load: (hash: string) => Promise<Uint8Array | undefined>;
  /** A schema has been read. Its routes are known when this has resolved; where it rejects, they are not. */
  readonly read?: (schema: ServerSchema) => Promise<void>;
  /** The list or a route changed. */
  readonly changed: () => void;
  readonly log: Logger;
}

/** An empty directory. */
export function createDirectory(options: DirectoryOptions): Directory {
  const schemas = new Map<string, ServerSchema>();
  const loading = new Map<string, Promise<void>>();
  // Routes of servers that are gone stay: their callers hear `unavailable`, not that there is no such route.
  const routes = new Map<string, { info: RouteInfo; servers: ServerInfo[]; serving: ServerInfo[] }>();
  const draining = new Set<bigint>();
  let servers: readonly ServerInfo[] = [];
  // What the frontends themselves answer with stands in no server's schema.
  let registry: Registry = createRegistry(ViolationsSchema);

  function index(): void {
    for (const route of routes.values()) {
      route.servers = [];
      route.serving = [];
    }
    for (const server of servers) {
      const schema = schemas.get(server.schema);
      if (!schema) continue;
      for (const info of schema.routes.values()) {
        if (!server.types.includes(info.server)) continue;
        const route = routes.get(info.route) ?? { info, servers: [], serving: [] };
        route.info = info;
        if (server.state === "ready") route.servers.push(server);
        if (server.state !== "starting") route.serving.push(server);
        routes.set(info.route, route);
      }
    }
    for (const route of routes.values()) if (route.servers.length === 0) route.servers = route.serving;
    options.changed();
  }

  async function load(hash: string): Promise<void> {
    try {
      const gzip = await options.load(hash);
      if (!gzip) return;
      const schema = readSchema(hash, gzip);
      await options.read?.(schema);
      schemas.set(hash, schema);
      registry = createRegistry(registry, schema.registry);
      index();
    } catch (reason) {
      options.log.error({ err: reason, schema: hash }, "a schema cannot be read: its servers get no messages");
    } finally {
      loading.delete(hash);
    }
  }

  const asItSays = (server: ServerInfo): ServerInfo =>
    draining.has(server.incarnation) && server.state === "ready" ? { ...server, state: "draining" } : server;

  return {
    get servers() {
      return servers;
    },
    get types() {
      return [...new Set(servers.flatMap((server) => server.types))];
    },
    byId: (id) => servers.find((server) => server.id === id),
    byIncarnation: (incarnation) => servers.find((server) => server.incarnation === incarnation),
    ofType: (type) => servers.filter((server) => server.types.includes(type)),
    route: (route) => routes.get(route),
    get clientRoutes() {
      return [...routes.values()].map(({ info }) => info).filter(({ kind }) => kind === "request" || kind === "notify");
    },
    get clientPushes() {
      return [...routes.values()].map(({ info }) => info).filter(({ kind }) => kind === "push");
    },
    routeOf: (server, route) => schemas.get(server.schema)?.routes.get(route),
    get registry() {
      return registry;
    },
    drains(incarnation) {
      // Of a server that is not there yet, or no more, nothing has to be known.
      if (!servers.some((server) => server.incarnation === incarnation)) return;
      draining.add(incarnation);
      servers = servers.map(asItSays);
      index();
    },
    async update(next) {
      for (const incarnation of draining)
        if (!next.some((server) => server.incarnation === incarnation)) draining.delete(incarnation);
      servers = next.map(asItSays).sort((one, other) => (one.id < other.id ? -1 : 1));
      index();
      const missing = new Set(servers.map((server) => server.schema).filter((hash) => hash !== "" && !schemas.has(hash)));
      for (const hash of missing) if (!loading.has(hash)) loading.set(hash, load(hash));
      await Promise.all([...missing].map((hash) => loading.get(hash)));
    },
  };
}
