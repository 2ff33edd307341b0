import type { Push } from "../../gen/nano/cluster/v1/link_pb.ts";
import { type Clock, createDeadlineSweep, type Random, type Timer, within } from "../clock/index.ts";
import type { ServerInfo } from "../discovery/index.ts";
import { type Code, NanoError } from "../error/index.ts";
import type { Logger } from "../logger/index.ts";
import { RouteTexts } from "../message/index.ts";
import { type ClusterCounters, createClusterCounters, type LinkRefusal } from "../metrics/index.ts";
import type { ByteStream, Listener, StreamEvents } from "../net/index.ts";
import { Gaps } from "./gaps.ts";
import type { Greeted } from "./greeting.ts";
import { createLinkCounters, type Link, type LinkEvents, type Peer } from "./link.ts";
import { LinkStream } from "./link-stream.ts";
import { addCounters, type LinkTotals, totalOf } from "./link-totals.ts";
import type { LinkTransport } from "./link-transport.ts";
import { PeerLink } from "./peer-link.ts";
import type { End } from "./proof.ts";
import { Redial } from "./redial.ts";
import { createRoles, type Roles } from "./roles.ts";

/** All links of one server. */
export interface LinkHub {
  /** Listens, and gives the address. */
  start(at: { readonly host: string; readonly port: number }): Promise<string>;
  /** The link to a server: the one that is there, in either direction, or a new one. Throws NanoError `unavailable`. */
  linkTo(server: ServerInfo): Promise<Link>;
  /** The link to an incarnation, if one is open. There is never more than one. */
  find(incarnation: bigint): Link | undefined;
  /** Those that are open. */
  links(): Iterable<Link>;
  /** All of them together, as they stand. */
  totals(): LinkTotals;
  /** Others are known than before: frontends that wait to be may come in. */
  serversChanged(): void;
  /** Takes no new links from now on, nor those that broke: who dials hears so before it has sent anything. */
  shut(): void;
  /** Whether every peer has answered and acknowledged what it was sent, or is lost, and no link is about to open. Asks those that have not acknowledged. */
  confirmed(): boolean;
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
  /** Who may be what. The default believes everybody. */
  readonly roles?: Roles;
  /** Where links that were refused here are counted. The default is counters of its own. */
  readonly counters?: Pick<ClusterCounters, "linksRefused">;
  /** How busy this server is: calls that it has begun. */
  readonly load: () => number;
  readonly events: LinkEvents;
  /** What the newest push of `latest` takes the place of while it waits. The default is its route: the older of one route and target goes. */
  readonly latestKey?: (push: Push) => string;
}

const dialTimeoutMs = 3_000;
// A link whose stream broke has 5 s: time for more than one attempt.
const redialTimeoutMs = 1_000;
const greetTimeoutMs = 5_000;
// Whoever is written in discovery now is known everywhere long before; whoever dials has 3 s.
const unknownMs = 2_000;
const sweepMs = 500;
const pingAfterMs = 2_000;
const silentMs = 5_000;
const backendsIdleMs = 60_000;
const frontendsIdleMs = 30_000;
const firstReopenMs = 50;
const reopenMs = 200;
const maxGreeting = 1_024;

// What is missing is no refusal (a peer that hung up, a link that crosses another), or was counted where it was found.
const refusals: Readonly<Partial<Record<Code, LinkRefusal>>> = {
  unauthenticated: "token",
  invalid_argument: "protocol",
  failed_precondition: "protocol",
  unimplemented: "protocol",
  internal: "protocol",
  deadline_exceeded: "late",
  resource_exhausted: "protocol",
};

const tooMany = new NanoError({ code: "resource_exhausted", message: "too many links are opened at once" });

interface Dialing {
  readonly stream: LinkStream;
  /** Settles with any link to that server, whoever opened it. */
  readonly opened: PromiseWithResolvers<Link>;
}

/** A hub without links. */
export function createLinkHub(options: LinkHubOptions): LinkHub {
  const { clock, log, random, counters = createClusterCounters() } = options;
  const { roles = createRoles({ shut: false, counters }) } = options;
  const links = new Map<bigint, PeerLink>();
  const closedCounters = createLinkCounters();
  const greeting = new Set<LinkStream>();
  const dials = new Map<bigint, Promise<Link>>();
  const dialing = new Map<bigint, Dialing>();
  const deadlines = createDeadlineSweep(clock);
  const redial = new Redial(clock, random);
  const gaps = new Gaps(clock);
  const texts = new RouteTexts();
  // Whom this side has dialed: it does so again when the stream breaks.
  const dialedServers = new WeakMap<Link, ServerInfo>();
  let listener: Listener | undefined;
  let sweep: Timer | undefined;
  let lookedAtMs = clock.now();
  let shut = false;
  let stopped = false;

  const events: LinkEvents = {
    ...options.events,
    broken(link, error) {
      log.info({ peer: link.peer.id, why: error.message }, "link broken");
      options.events.broken(link, error);
      const server = dialedServers.get(link);
      // Not in step with the others that lost the same server; and not where the next stream is there already.
      if (server) clock.after(firstReopenMs * random.next(), () => reopen(link, server));
    },
    closed(link, error) {
      const { id, incarnation } = link.peer;
      if (links.get(incarnation) === link) links.delete(incarnation);
      addCounters(closedCounters, link.counters);
      log.info({ peer: id, why: error.message }, "link closed");
      options.events.closed(link, error);
    },
  };

  /** Whom a stream belongs to, now that its ends know each other. Throws where only one of them goes on with a link. */
  function owner(stream: LinkStream, { peer, link: name, resumed }: Greeted): PeerLink {
    greeting.delete(stream);
    const { id, incarnation } = peer;
    const former = links.get(incarnation);
    if (resumed && former?.name !== name) throw unavailable(`the link to ${id} was given up`);
    redial.reached(incarnation);
    if (!resumed && former) replace(former);
    const link =
      resumed && former
        ? former
        : new PeerLink({
            ...options,
            peer,
            name,
            deadlines,
            events,
            latestKey: options.latestKey ?? (({ route }) => route),
            lost: (one, pushes) => gaps.add(one.peer.incarnation, pushes),
          });
    links.set(incarnation, link);
    link.attach(stream);
    const report = gaps.take(incarnation);
    if (report) link.tellGaps(report);
    log.debug({ peer: id, dialed: stream.dialed, resumed }, "link open");
    const dial = dialing.get(incarnation);
    dial?.opened.resolve(link);
    if (dial && dial.stream !== stream) dial.stream.destroy(unavailable("the peer was first"), true);
    return link;
  }

  /** The peer does not go on with a link. */
  function replace(former: PeerLink): void {
    const reason = unavailable("a new link took the place of this one");
    // Two that cross are a moment apart. Any other the peer has given up, after as long a break as it would be here.
    former.giveUp(reason, clock.now() - former.openedAtMs >= dialTimeoutMs);
  }

  function create(expected: End | undefined, refused: (error: NanoError) => void): LinkStream {
    const stream: LinkStream = new LinkStream({
      ...options,
      dialed: expected !== undefined,
      ...(expected ? { expected } : {}),
      roles,
      texts,
      admit,
      former: (incarnation) => links.get(incarnation)?.name ?? 0n,
      greeted: (greeted) => owner(stream, greeted),
      refused(error) {
        greeting.delete(stream);
        refused(error);
      },
    });
    greeting.add(stream);
    return stream;
  }

  // Two servers may dial each other at once. The lower incarnation decides for both, so that one link is left, and the same at both ends.
  function admit({ id, incarnation }: Peer): void {
    if (options.self().incarnation > incarnation) return;
    const former = links.get(incarnation);
    // An older one the peer must have lost.
    const crossing = former?.dialed === true && !former.broken && clock.now() - former.openedAtMs < dialTimeoutMs;
    if (crossing || dialing.get(incarnation)?.stream.begun) {
      throw new NanoError({ code: "already_exists", message: `a link to ${id} comes from here` });
    }
  }

  function accept(bytes: ByteStream): StreamEvents {
    const stream = create(undefined, (error) => {
      const counted = error === tooMany ? "busy" : refusals[error.code];
      if (counted) counters.linksRefused[counted]++;
      log.warn({ peer: bytes.remoteAddress, code: error.code, why: error.message }, "a link was refused");
    });
    stream.begin(bytes);
    if (shut || stopped) stream.refuse(unavailable("the server stops"));
    // Whoever belongs here has greeted within milliseconds: the oldest does not.
    const oldest = greeting.size > maxGreeting ? [...greeting].find(({ dialed }) => !dialed) : undefined;
    oldest?.refuse(tooMany);
    return stream.events;
  }

  async function dial(server: ServerInfo): Promise<Link> {
    let failure = unavailable(`${server.id} has no address`);
    for (const address of server.addresses) {
      if (stopped) break;
      try {
        return await dialAddress(server, address);
      } catch (reason) {
        const { code, message } = NanoError.from(reason);
        // Clients may come to read it: where servers are, and what they said, is in the cause alone.
        failure = unavailable(`${server.id} is out of reach`, new Error(`${address}: ${code}: ${message}`, { cause: reason }));
      }
    }
    log.warn({ peer: server.id, err: failure }, "a server is out of reach");
    redial.failed(server.incarnation, failure);
    throw failure;
  }

  async function dialAddress(server: ServerInfo, address: string): Promise<Link> {
    const opened = Promise.withResolvers<Link>();
    const stream = create(server, (error) => {
      // Refused for the sake of another link, which is about to open.
      if (error.code !== "already_exists") opened.reject(error);
    });
    const giveUp = new AbortController();
    dialing.set(server.incarnation, { stream, opened });
    options.transport.dial(address, stream.events, giveUp.signal).then(
      (bytes) => stream.begin(bytes),
      (reason: unknown) => opened.reject(unavailable(NanoError.from(reason).message, reason)),
    );
    try {
      const timeoutMs = links.has(server.incarnation) ? redialTimeoutMs : dialTimeoutMs;
      const link = await within(clock, timeoutMs, opened.promise, () => {
        throw unavailable(`no answer within ${timeoutMs} ms`);
      });
      dialedServers.set(link, server);
      return link;
    } finally {
      dialing.delete(server.incarnation);
      if (links.get(server.incarnation)?.stream !== stream) {
        giveUp.abort();
        stream.destroy(unavailable("given up"), true);
      }
    }
  }

  /** Dials until the link has a stream, or is over. */
  function reopen(link: Link, server: ServerInfo): void {
    if (stopped || link.closed || !link.broken) return;
    linkTo(server).catch(() => void clock.after(reopenMs * (0.5 + random.next()), () => reopen(link, server)));
  }

  function linkTo(server: ServerInfo): Promise<Link> {
    const { incarnation } = server;
    const link = find(incarnation);
    if (link) return Promise.resolve(link);
    if (stopped) return Promise.reject(unavailable("this server has stopped"));
    const under = dials.get(incarnation);
    if (under) return under;
    const refusal = redial.refusal(incarnation);
    if (refusal) return Promise.reject(refusal);
    const dialed = dial(server).finally(() => dials.delete(incarnation));
    dials.set(incarnation, dialed);
    return dialed;
  }

  function find(incarnation: bigint): PeerLink | undefined {
    const link = links.get(incarnation);
    return link?.broken ? undefined : link;
  }

  function look(): void {
    const now = clock.now();
    // What this server has slept through, its peers may have filled with talk: it is not read yet.
    const asleepMs = now - lookedAtMs - sweepMs;
    lookedAtMs = now;
    if (asleepMs > sweepMs) for (const { stream } of links.values()) if (stream) stream.lastReceivedAtMs += asleepMs;
    redial.sweep();
    gaps.sweep();
    for (const stream of [...greeting]) {
      if (now - stream.startedAtMs >= unknownMs) stream.look(true);
      if (now - stream.startedAtMs < greetTimeoutMs) continue;
      stream.refuse(new NanoError({ code: "deadline_exceeded", message: `no greeting within ${greetTimeoutMs} ms` }));
    }
    for (const link of [...links.values()]) {
      const { stream } = link;
      if (!stream) continue;
      const silent = now - stream.lastReceivedAtMs;
      link.acknowledge();
      if (silent >= silentMs) link.break(unavailable(`${link.peer.id} is silent`));
      else if (silent >= pingAfterMs) link.ping();
      if (idles(link, now)) link.close("idle");
    }
  }

  // Two backends have only calls for each other, and two frontends claims: these open it again. A frontend keeps its backends, for what comes next.
  function idles(link: PeerLink, now: number): boolean {
    const idleMs = link.idleMs(now);
    const { frontend } = options.self();
    if (!link.dialed || frontend !== link.peer.frontend) return false;
    return idleMs >= (frontend ? frontendsIdleMs : backendsIdleMs);
  }

  return {
    async start(at) {
      listener = await options.transport.listen(at, accept);
      lookedAtMs = clock.now();
      sweep = clock.every(sweepMs, look);
      return at.host.includes(":") ? `[${at.host}]:${listener.port}` : `${at.host}:${listener.port}`;
    },
    linkTo,
    find,
    *links() {
      for (const link of links.values()) if (!link.broken) yield link;
    },
    totals: () => totalOf(links.values(), closedCounters),
    serversChanged() {
      for (const stream of [...greeting]) stream.look();
    },
    shut() {
      shut = true;
    },
    confirmed() {
      let confirmed = greeting.size === 0;
      for (const link of links.values()) {
        confirmed &&= link.pending === 0 && link.acknowledged;
        // The answer says how far the peer has read.
        if (!link.acknowledged) link.ping();
      }
      return confirmed;
    },
    async stop() {
      stopped = true;
      sweep?.cancel();
      for (const link of [...links.values()]) link.close("the server stops");
      for (const stream of [...greeting]) stream.refuse(unavailable("the server stops"));
      deadlines.clear();
      await listener?.close();
    },
  };
}

function unavailable(message: string, cause?: unknown): NanoError {
  return new NanoError({ code: "unavailable", message, cause });
}
