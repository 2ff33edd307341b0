import { type Clock, createDeadlineSweep, type Random, type Timer, within } from "../clock/index.ts";
import type { ServerInfo } from "../discovery/index.ts";
import { NanoError } from "../error/index.ts";
import type { Logger } from "../logger/index.ts";
import type { ByteStream, Listener, StreamEvents } from "../net/index.ts";
import type { Link, LinkEvents, Peer } from "./link.ts";
import type { LinkTransport } from "./link-transport.ts";
import { StreamLink } from "./stream-link.ts";

/** All links of one server. */
export interface LinkHub {
  /** Listens, and gives the address. */
  start(at: { readonly host: string; readonly port: number }): Promise<string>;
  /** The link to a server: the one that is there, in either direction, or a new one. Throws NanoError `unavailable`. */
  linkTo(server: ServerInfo): Promise<Link>;
  /** The link to an incarnation, if one is open. Of two both ends find the same. */
  find(incarnation: bigint): Link | undefined;
  links(): Iterable<Link>;
  stop(): Promise<void>;
}

/** What a hub is made of. */
export interface LinkHubOptions {
  readonly self: () => Peer;
  readonly transport: LinkTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly tokens: readonly string[];
  /** How busy this server is: calls that it has begun. */
  readonly load: () => number;
  readonly events: LinkEvents;
}

const dialTimeoutMs = 3_000;
const greetTimeoutMs = 5_000;
const sweepMs = 500;
const pingAfterMs = 2_000;
const silentMs = 5_000;
const idleMs = 60_000;
const maxGreeting = 1_024;

/** A hub without links. */
export function createLinkHub(options: LinkHubOptions): LinkHub {
  const { clock, log } = options;
  const open = new Map<bigint, Set<StreamLink>>();
  const greeting = new Set<StreamLink>();
  const dials = new Map<bigint, Promise<Link>>();
  const whenOpen = new Map<StreamLink, () => void>();
  const deadlines = createDeadlineSweep(clock);
  let listener: Listener | undefined;
  let sweep: Timer | undefined;
  let stopped = false;

  const events: LinkEvents = {
    opened(link) {
      if (!(link instanceof StreamLink)) return;
      greeting.delete(link);
      const { incarnation } = link.peer;
      open.set(incarnation, (open.get(incarnation) ?? new Set()).add(link));
      log.debug({ peer: link.peer.id, dialed: link.dialed }, "link open");
      options.events.opened(link);
      whenOpen.get(link)?.();
    },
    frame: (link, body) => options.events.frame(link, body),
    closed(link, error) {
      if (!(link instanceof StreamLink)) return;
      const same = open.get(link.peer.incarnation);
      same?.delete(link);
      if (same?.size === 0) open.delete(link.peer.incarnation);
      log.info({ peer: link.peer.id, why: error.message }, "link closed");
      options.events.closed(link, error);
    },
  };

  function create(dialed: boolean): { readonly link: StreamLink; readonly stream: StreamEvents } {
    const link = new StreamLink({ ...options, deadlines, dialed, events });
    greeting.add(link);
    const stream: StreamEvents = {
      data: (bytes) => link.data(bytes),
      drain: () => {},
      closed: (error) => link.closedByStream(error),
    };
    return { link, stream };
  }

  function accept(bytes: ByteStream): StreamEvents {
    const { link, stream } = create(false);
    link.refused = (error) => {
      greeting.delete(link);
      log.warn({ peer: bytes.remoteAddress, why: error.message }, "a link was refused");
    };
    link.begin(bytes);
    if (stopped || greeting.size > maxGreeting)
      link.break(new NanoError({ code: "unavailable", message: "no more links are taken" }));
    return stream;
  }

  async function dial(server: ServerInfo): Promise<Link> {
    let failure = new NanoError({ code: "unavailable", message: `${server.id} has no address` });
    for (const address of server.addresses) {
      try {
        return await dialAddress(server, address);
      } catch (reason) {
        const { message } = NanoError.from(reason);
        failure = new NanoError({
          code: "unavailable",
          message: `${server.id} at ${address} is out of reach: ${message}`,
          cause: reason,
        });
      }
    }
    throw failure;
  }

  async function dialAddress(server: ServerInfo, address: string): Promise<Link> {
    const { link, stream } = create(true);
    const giveUp = new AbortController();
    const opened = new Promise<void>((resolve, reject) => {
      link.refused = reject;
      whenOpen.set(link, resolve);
    });
    // Heard below, unless connecting fails first.
    opened.catch(() => {});
    const late = (): never => {
      throw new NanoError({ code: "unavailable", message: `no answer within ${dialTimeoutMs} ms` });
    };
    try {
      const connecting = options.transport.dial(address, stream, giveUp.signal).then((bytes) => {
        if (giveUp.signal.aborted) bytes.destroy();
        else link.begin(bytes);
        return opened;
      });
      await within(clock, dialTimeoutMs, connecting, late);
      if (link.peer.incarnation !== server.incarnation || link.peer.id !== server.id) {
        link.close("this is another server");
        throw new NanoError({ code: "unavailable", message: `${link.peer.id} answers there, in another incarnation` });
      }
      return link;
    } catch (reason) {
      giveUp.abort();
      link.break(new NanoError({ code: "unavailable", message: "given up" }));
      throw reason;
    } finally {
      greeting.delete(link);
      whenOpen.delete(link);
    }
  }

  function find(incarnation: bigint): Link | undefined {
    const own = options.self().incarnation;
    let best: StreamLink | undefined;
    for (const link of open.get(incarnation) ?? []) {
      // Both ends prefer what the lower incarnation has dialed.
      const preferred = link.dialed === own < incarnation;
      if (!best || preferred) best = link;
    }
    return best;
  }

  function look(): void {
    const now = clock.now();
    for (const link of greeting) {
      if (now - link.startedAtMs >= greetTimeoutMs)
        link.break(new NanoError({ code: "unavailable", message: "no Hello in time" }));
    }
    for (const links of [...open.values()]) {
      for (const link of [...links]) {
        const silent = now - link.lastReceivedAtMs;
        link.acknowledge();
        if (silent >= silentMs) link.break(new NanoError({ code: "unavailable", message: `${link.peer.id} is silent` }));
        else if (silent >= pingAfterMs) link.ping();
        if (idles(link, now)) link.close("idle");
      }
    }
  }

  // Links of frontends carry sessions and groups; between backends only calls, which open them again.
  function idles(link: StreamLink, now: number): boolean {
    const backends = !link.peer.frontend && !options.self().frontend;
    return backends && link.dialed && link.pending === 0 && now - link.lastDataAtMs >= idleMs;
  }

  return {
    async start(at) {
      listener = await options.transport.listen(at, accept);
      sweep = clock.every(sweepMs, look);
      return at.host.includes(":") ? `[${at.host}]:${listener.port}` : `${at.host}:${listener.port}`;
    },
    linkTo(server) {
      const link = find(server.incarnation);
      if (link) return Promise.resolve(link);
      if (stopped) return Promise.reject(new NanoError({ code: "unavailable", message: "this server has stopped" }));
      const dialing =
        dials.get(server.incarnation) ??
        dial(server).finally(() => {
          dials.delete(server.incarnation);
        });
      dials.set(server.incarnation, dialing);
      return dialing;
    },
    find,
    *links() {
      for (const links of open.values()) yield* links;
    },
    async stop() {
      stopped = true;
      sweep?.cancel();
      for (const links of [...open.values()]) for (const link of [...links]) link.close("the server stops");
      for (const link of [...greeting]) link.break(new NanoError({ code: "unavailable", message: "the server stops" }));
      deadlines.clear();
      await listener?.close();
    },
  };
}
