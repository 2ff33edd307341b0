import { type Clock, createDeadlineSweep, type Random, type Timer, within } from "../clock/index.ts";
import type { ServerInfo } from "../discovery/index.ts";
import { NanoError } from "../error/index.ts";
import type { Logger } from "../logger/index.ts";
import type { ByteStream, Listener, StreamEvents } from "../net/index.ts";
import type { Link, LinkEvents, Peer } from "./link.ts";
import type { LinkTransport } from "./link-transport.ts";
import type { End } from "./proof.ts";
import { Redial } from "./redial.ts";
import { StreamLink } from "./stream-link.ts";

/** All links of one server. */
export interface LinkHub {
  /** Listens, and gives the address. */
  start(at: { readonly host: string; readonly port: number }): Promise<string>;
  /** The link to a server: the one that is there, in either direction, or a new one. Throws NanoError `unavailable`. */
  linkTo(server: ServerInfo): Promise<Link>;
  /** The link to an incarnation, if one is open. There is never more than one. */
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

interface Dialing {
  readonly link: StreamLink;
  /** Settles with any link to that server, whoever opened it. */
  readonly opened: PromiseWithResolvers<Link>;
}

/** A hub without links. */
export function createLinkHub(options: LinkHubOptions): LinkHub {
  const { clock, log } = options;
  const open = new Map<bigint, StreamLink>();
  const greeting = new Set<StreamLink>();
  const dials = new Map<bigint, Promise<Link>>();
  const dialing = new Map<bigint, Dialing>();
  const deadlines = createDeadlineSweep(clock);
  const redial = new Redial(clock, options.random);
  let listener: Listener | undefined;
  let sweep: Timer | undefined;
  let stopped = false;

  const events: LinkEvents = {
    opened(link) {
      if (!(link instanceof StreamLink)) return;
      greeting.delete(link);
      const { id, incarnation } = link.peer;
      const former = open.get(incarnation);
      open.set(incarnation, link);
      redial.reached(incarnation);
      // The peer would not have opened another if it had not lost the former.
      former?.break(unavailable("a new link took the place of this one"));
      log.debug({ peer: id, dialed: link.dialed }, "link open");
      options.events.opened(link);
      const dial = dialing.get(incarnation);
      dial?.opened.resolve(link);
      if (dial && dial.link !== link) dial.link.break(unavailable("the peer was first"));
    },
    frame: (link, body) => options.events.frame(link, body),
    closed(link, error) {
      const { id, incarnation } = link.peer;
      if (open.get(incarnation) === link) open.delete(incarnation);
      log.info({ peer: id, why: error.message }, "link closed");
      options.events.closed(link, error);
    },
  };

  function create(expected: End | undefined, refused: (error: NanoError) => void): StreamLink {
    const link: StreamLink = new StreamLink({
      ...options,
      deadlines,
      dialed: expected !== undefined,
      ...(expected ? { expected } : {}),
      admit,
      events,
      refused(error) {
        greeting.delete(link);
        refused(error);
      },
    });
    greeting.add(link);
    return link;
  }

  // Two servers may dial each other at once. The lower incarnation decides for both, so that one link is left, and the same at both ends.
  function admit({ id, incarnation }: Peer): void {
    if (options.self().incarnation > incarnation) return;
    const former = open.get(incarnation);
    // An older one the peer must have lost.
    const crossing = former?.dialed === true && clock.now() - former.openedAtMs < dialTimeoutMs;
    if (crossing || dialing.get(incarnation)?.link.begun) {
      throw new NanoError({ code: "already_exists", message: `a link to ${id} comes from here` });
    }
  }

  function accept(bytes: ByteStream): StreamEvents {
    const link = create(undefined, (error) => {
      log.warn({ peer: bytes.remoteAddress, code: error.code, why: error.message }, "a link was refused");
    });
    link.begin(bytes);
    if (stopped) link.refuse(unavailable("the server stops"));
    if (greeting.size > maxGreeting) {
      link.refuse(new NanoError({ code: "resource_exhausted", message: "too many links are opened at once" }));
    }
    return streamEvents(link);
  }

  async function dial(server: ServerInfo): Promise<Link> {
    let failure = unavailable(`${server.id} has no address`);
    for (const address of server.addresses) {
      if (stopped) break;
      try {
        return await dialAddress(server, address);
      } catch (reason) {
        const { code, message } = NanoError.from(reason);
        failure = unavailable(`${server.id} at ${address} is out of reach: ${code}: ${message}`, reason);
      }
    }
    redial.failed(server.incarnation, failure);
    throw failure;
  }

  async function dialAddress(server: ServerInfo, address: string): Promise<Link> {
    const opened = Promise.withResolvers<Link>();
    const link = create(server, (error) => {
      // Refused for the sake of another link, which is about to open.
      if (error.code !== "already_exists") opened.reject(error);
    });
    const giveUp = new AbortController();
    dialing.set(server.incarnation, { link, opened });
    options.transport.dial(address, streamEvents(link), giveUp.signal).then(
      (bytes) => link.begin(bytes),
      (reason: unknown) => opened.reject(unavailable(NanoError.from(reason).message, reason)),
    );
    try {
      return await within(clock, dialTimeoutMs, opened.promise, () => {
        throw unavailable(`no answer within ${dialTimeoutMs} ms`);
      });
    } finally {
      dialing.delete(server.incarnation);
      if (open.get(server.incarnation) !== link) {
        giveUp.abort();
        link.break(unavailable("given up"));
      }
    }
  }

  function look(): void {
    const now = clock.now();
    redial.sweep();
    for (const link of [...greeting]) {
      if (now - link.startedAtMs < greetTimeoutMs) continue;
      link.refuse(new NanoError({ code: "deadline_exceeded", message: `no greeting within ${greetTimeoutMs} ms` }));
    }
    for (const link of [...open.values()]) {
      const silent = now - link.lastReceivedAtMs;
      link.acknowledge();
      if (silent >= silentMs) link.break(unavailable(`${link.peer.id} is silent`));
      else if (silent >= pingAfterMs) link.ping();
      if (idles(link, now)) link.close("idle");
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
      const { incarnation } = server;
      const link = open.get(incarnation);
      if (link) return Promise.resolve(link);
      if (stopped) return Promise.reject(unavailable("this server has stopped"));
      const under = dials.get(incarnation);
      if (under) return under;
      const refusal = redial.refusal(incarnation);
      if (refusal) return Promise.reject(refusal);
      const dialed = dial(server).finally(() => dials.delete(incarnation));
      dials.set(incarnation, dialed);
      return dialed;
    },
    find: (incarnation) => open.get(incarnation),
    links: () => open.values(),
    async stop() {
      stopped = true;
      sweep?.cancel();
      for (const link of [...open.values()]) link.close("the server stops");
      for (const link of [...greeting]) link.refuse(unavailable("the server stops"));
      deadlines.clear();
      await listener?.close();
    },
  };
}

function streamEvents(link: StreamLink): StreamEvents {
  return {
    data: (bytes) => link.data(bytes),
    drain: () => {},
    closed: (error) => link.closedByStream(error),
  };
}

function unavailable(message: string, cause?: unknown): NanoError {
  return new NanoError({ code: "unavailable", message, cause });
}
