import type { Clock, DeadlineSweep } from "../clock/index.ts";
import type { ServerInfo } from "../discovery/index.ts";
import type { Handlers } from "../handler/index.ts";
import type { Link } from "../link/index.ts";
import type { FrontendCounters } from "../metrics/index.ts";
import type { Directory, KnownRoute, Retries, Router } from "../router/index.ts";
import type { Tracing } from "../tracing/index.ts";
import type { EdgeCheck } from "./edge-check.ts";
import type { LocalRoutes } from "./local-routes.ts";
import type { SessionPeers } from "./session-peers.ts";
import type { UnknownRoute } from "./unknown-route.ts";

/** What sending messages on needs of the server around. */
export interface DispatchHost {
  readonly incarnation: bigint;
  readonly directory: Directory;
  /** Finds a route as a client names it. */
  findRoute(route: string): KnownRoute | undefined;
  /** Decides on routes that are not found. */
  readonly unknownRoute: UnknownRoute | undefined;
  readonly router: Router;
  /** The routes that only this server answers. */
  readonly local: LocalRoutes;
  readonly retries: Retries;
  readonly clock: Clock;
  readonly handlers: Pick<Handlers, "at" | "begin" | "dispatch">;
  readonly edgeCheck: Pick<EdgeCheck, "refusal">;
  readonly deadlines: DeadlineSweep;
  readonly peers: SessionPeers;
  readonly limits: { readonly inFlight: number };
  readonly counters: FrontendCounters;
  /** Undefined: nothing is traced. */
  readonly tracing?: Tracing | undefined;
  now(): number;
  /** An open link, if there is one. */
  linkOf(server: ServerInfo): Link | undefined;
  linkTo(server: ServerInfo): Promise<Link>;
  /** A handler here threw what was not meant for clients. */
  handlerFailed(route: string, reason: unknown): void;
}
