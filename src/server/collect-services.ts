import type { Lifecycle } from "../context/index.ts";
import type { ServiceDefinition } from "../contract/index.ts";
import { type Entry, ImplementedService } from "../pipeline/index.ts";
import type { Validation } from "../validation/index.ts";
import type { ServerOptions } from "./server-options.ts";

/** What a server's services come to. */
export interface CollectedServices {
  /** The server's types: those it says, and those that its services name. */
  readonly types: readonly string[];
  readonly definitions: readonly ServiceDefinition<unknown>[];
  readonly lifecycles: readonly { readonly name: string; readonly type: string; readonly lifecycle: Lifecycle }[];
  /** What clients call, by route. */
  readonly handlers: ReadonlyMap<string, Entry>;
  /** Those of services with sticky methods that do not say by `onDrain` when their sessions may go. */
  readonly stickyRoutes: ReadonlySet<string>;
  /** What servers call, by route. */
  readonly remotes: ReadonlyMap<string, Entry>;
}

/** Sorts services. Throws a TypeError where two answer one route, or something is no service. */
export function collectServices(options: ServerOptions, validation: Validation): CollectedServices {
  const services = (options.services ?? []).map((service) => {
    if (service instanceof ImplementedService) return service;
    throw new TypeError("services are what implement() gives");
  });
  const handlers = new Map<string, Entry>();
  const remotes = new Map<string, Entry>();
  const stickyRoutes = new Set<string>();
  for (const service of services) {
    const entries = service.entries(options.pipeline ?? [], validation);
    const sticky = !service.lifecycle.onDrain && [...entries.values()].some(({ method }) => method.by === "sticky");
    if (sticky) for (const route of entries.keys()) stickyRoutes.add(route);
    for (const [route, entry] of entries) {
      if (handlers.has(route) || remotes.has(route)) throw new TypeError(`two services answer the route ${route}`);
      (service.definition.kind === "handler" ? handlers : remotes).set(route, entry);
    }
  }
  const types = new Set([...(options.types ?? []), ...services.map((service) => service.server)]);
  // Discovery keeps a record by type: without any, nobody would see the server.
  if (types.size === 0) types.add((options.acceptors ?? []).length > 0 ? "gate" : "server");
  return {
    types: [...types],
    definitions: services.map((service) => service.definition),
    lifecycles: services.map(({ name, server, lifecycle }) => ({ name, type: server, lifecycle })),
    handlers,
    stickyRoutes,
    remotes,
  };
}
