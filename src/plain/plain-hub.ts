import { type Clock, createDeadlineSweep, type Random, type Timer, within } from "../clock/index.ts";
import type { ServerInfo } from "../discovery/index.ts";
import { NanoError } from "../error/index.ts";
import { type Link, type LinkEvents, Redial, type Roles } from "../link/index.ts";
import type { Logger } from "../logger/index.ts";
import type { Net, TlsOptions } from "../net/index.ts";
import type { RouteInfo } from "../route/index.ts";
import { PlainLink } from "./plain-link.ts";

/** The servers that take plain calls, one connection to each. */
export interface PlainHub {
  /** Connects, where there is no connection yet. Throws NanoError `unavailable`. */
  linkTo(server: ServerInfo): Promise<Link>;
  /** The link to an incarnation, if it is connected. */
  find(incarnation: bigint): Link | undefined;
  /** Links to servers that are not listed any more are closed. */
  serversChanged(servers: readonly ServerInfo[]): void;
  stop(): void;
}

/** What a hub is made of. */
export interface PlainHubOptions {
  readonly net: Net;
  readonly tls: TlsOptions | undefined;
  /** The first of them is shown. */
  readonly tokens: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Which servers are what their records say. */
  readonly roles: Pick<Roles, "check">;
  /** What a server knows of a route. */
  readonly routeOf: (server: ServerInfo, route: string) => RouteInfo | undefined;
  readonly events: Pick<LinkEvents, "opened" | "closed">;
}

const dialTimeoutMs = 3_000;
const sweepMs = 1_000;
const silentMs = 5_000;

interface Line {
  readonly link: PlainLink;
  server: ServerInfo;
  dial: Promise<Link> | undefined;
  heardAtMs: number;
}

/** A hub without links. */
export function createPlainHub(options: PlainHubOptions): PlainHub {
  const { net, tls, clock, log } = options;
  const lines = new Map<bigint, Line>();
  const deadlines = createDeadlineSweep(clock);
  const redial = new Redial(clock, options.random);
  const authorization: Record<string, string> = options.tokens[0] ? { authorization: `Bearer ${options.tokens[0]}` } : {};
  let sweep: Timer | undefined;
  let stopped = false;

  function begin(server: ServerInfo): Line {
    const { id, incarnation, types, frontend, schema } = server;
    const link = new PlainLink({
      ...{ clock, deadlines, authorization },
      peer: { id, incarnation, types, frontend, schema },
      routeOf: (route) => options.routeOf(server, route),
      connect: () => connect(line),
    });
    const line: Line = { link, server, dial: undefined, heardAtMs: 0 };
    lines.set(incarnation, line);
    sweep ??= clock.every(sweepMs, look);
    return line;
  }

  function connect(line: Line): Promise<Link> {
    if (line.link.open) return Promise.resolve(line.link);
    if (stopped || line.link.closed) return Promise.reject(unavailable(`${line.server.id} is gone`));
    const refusal = redial.refusal(line.server.incarnation);
    if (refusal) return Promise.reject(refusal);
    line.dial ??= dial(line).finally(() => {
      line.dial = undefined;
    });
    return line.dial;
  }

  async function dial(line: Line): Promise<Link> {
    const { server, link } = line;
    let failure = unavailable(`${server.id} has no address`);
    for (const address of server.addresses) {
      const giveUp = new AbortController();
      try {
        if (!net.http2) throw unavailable("this net has no HTTP/2");
        const colon = address.lastIndexOf(":");
        const at = {
          host: address.slice(0, colon).replace(/^\[(.*)\]$/, "$1"),
          port: Number(address.slice(colon + 1)),
          ...(tls ? { tls } : {}),
        };
        const lost = (): void => log.debug({ peer: server.id }, "the connection is gone");
        const caller = await within(clock, dialTimeoutMs, net.http2.open(at, lost, giveUp.signal), () => {
          throw unavailable(`no connection within ${dialTimeoutMs} ms`);
        });
        try {
          options.roles.check(server, caller.certificate);
          if (link.closed) throw unavailable("it is gone");
        } catch (reason) {
          caller.destroy();
          throw reason;
        }
        const first = link.caller === undefined;
        link.caller = caller;
        line.heardAtMs = clock.now();
        redial.reached(server.incarnation);
        if (first) options.events.opened(link);
        return link;
      } catch (reason) {
        giveUp.abort(reason);
        const cause = new Error(`${address}: ${NanoError.from(reason).message}`, { cause: reason });
        // Clients may come to read it: where servers are is in the cause alone.
        failure = unavailable(`${server.id} is out of reach`, cause);
      }
    }
    log.warn({ peer: server.id, err: failure }, "a server is out of reach");
    redial.failed(server.incarnation, failure);
    throw failure;
  }

  /** A server that is frozen says nothing, also of its connections. */
  function look(): void {
    const now = clock.now();
    redial.sweep();
    for (const line of lines.values()) {
      const { caller, waits } = line.link;
      if (!caller?.open) continue;
      if (!waits) line.heardAtMs = now;
      else if (now - line.heardAtMs >= silentMs) caller.destroy();
      caller.ping(() => {
        line.heardAtMs = clock.now();
      });
    }
  }

  function close(line: Line, why: string): void {
    lines.delete(line.server.incarnation);
    line.link.close(why);
    if (line.link.caller) options.events.closed(line.link, unavailable(why));
  }

  return {
    linkTo(server) {
      const line = lines.get(server.incarnation) ?? begin(server);
      line.server = server;
      return connect(line);
    },
    find(incarnation) {
      const link = lines.get(incarnation)?.link;
      return link?.open ? link : undefined;
    },
    serversChanged(servers) {
      const there = new Set(servers.map(({ incarnation }) => incarnation));
      for (const [incarnation, line] of [...lines]) if (!there.has(incarnation)) close(line, `${line.server.id} is gone`);
    },
    stop() {
      stopped = true;
      sweep?.cancel();
      for (const line of [...lines.values()]) close(line, "the server stops");
      deadlines.clear();
    },
  };
}

function unavailable(message: string, cause?: unknown): NanoError {
  return new NanoError({ code: "unavailable", message, cause });
}
