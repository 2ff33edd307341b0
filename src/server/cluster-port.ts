import { type Backend, createSessionFinder } from "../backend/index.ts";
import type { ServerInfo } from "../discovery/index.ts";
import { NanoError } from "../error/index.ts";
import type { Frontend } from "../frontend/index.ts";
import { createPlainHandlers } from "../handler/index.ts";
import { createLinkTransport, type Link, type LinkTransport } from "../link/index.ts";
import { type AskedFrontend, createPlainPort, createSessionService } from "../plain/index.ts";
import { createPlainRemotes } from "../remote/index.ts";
import type { Directory } from "../router/index.ts";
import type { Base } from "./base.ts";
import type { Calls } from "./calls.ts";
import type { CheckedCluster } from "./cluster-options.ts";

/** What is behind a cluster port. */
export interface ClusterPortOptions {
  readonly base: Base;
  readonly cluster: CheckedCluster;
  readonly calls: Calls;
  readonly backend: Backend;
  readonly directory: Directory;
  /** Absent where the server is none. Asked when somebody calls. */
  readonly frontend: () => Frontend | undefined;
  linkTo(server: ServerInfo): Promise<Link>;
}

/** The port by which other servers come in: with links, and with plain calls of remotes, handlers and sessions. Nothing listens. */
export function createClusterPort(options: ClusterPortOptions): LinkTransport {
  const { base, cluster, calls, backend, directory, frontend, linkTo } = options;
  const { clock, log, counters, limits, incarnation } = base;
  const { handlers, remotes } = calls;

  const theFrontend = (): Frontend => {
    const found = frontend();
    if (found) return found;
    throw new NanoError({ code: "not_found", message: "no session is here" });
  };
  const asked: AskedFrontend = {
    ask: async (body) => theFrontend().ask(body),
    close: (session) => theFrontend().close(session),
    knowsPush: (route) => directory.route(route)?.info.kind === "push",
    maxPushBytes: limits.packetOutBytes,
  };
  const plainHandlers = createPlainHandlers({
    ...{ handlers, clock, log, counters },
    sessionOf: createSessionFinder({
      ...{ incarnation, clock, directory, backend, linkTo },
      own: (key) => theFrontend().find(key),
    }),
  });
  return createLinkTransport(base.net, {
    ...(cluster.tls ? { tls: cluster.tls } : {}),
    authorize: cluster.authorize,
    refused: (why) => (why === "headers" ? counters.callsRefused.headers++ : counters.connectionsRefused[why]++),
    other: createPlainPort({
      services: [
        createPlainRemotes({ remotes, now: () => clock.now() }),
        plainHandlers.serve,
        ...(base.isFrontend ? [createSessionService(asked)] : []),
      ],
      gate: plainHandlers.gate,
      ...{ clock, log, counters },
    }),
  });
}
