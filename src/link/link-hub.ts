import type { Push } from "../../gen/nano/cluster/v1/link_pb.ts";
import { type Clock, createDeadlineSweep, type Random, type Timer } from "../clock/index.ts";
import type { ServerInfo } from "../discovery/index.ts";
import { NanoError } from "../error/index.ts";
import type { Logger } from "../logger/index.ts";
import { type ClusterCounters, createClusterCounters } from "../metrics/index.ts";
import type { Listener } from "../net/index.ts";
import { createDialer, dialTimeoutMs } from "./dialer.ts";
import { Gaps } from "./gaps.ts";
import type { Greeted } from "./greeting.ts";
import { createLinkCounters, type Link, type LinkEvents, type Peer } from "./link.ts";
import type { LinkStream } from "./link-stream.ts";
import { addCounters, type LinkTotals, totalOf } from "./link-totals.ts";
import type { LinkTransport } from "./link-transport.ts";
import { PeerLink } from "./peer-link.ts";
import { createReception } from "./reception.ts";
import { createRoles, type Roles } from "./roles.ts";
import { unavailable } from "./unavailable.ts";

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

const sweepMs = 500;
const pingAfterMs = 2_000;
const silentMs = 5_000;
const backendsIdleMs = 60_000;
const frontendsIdleMs = 30_000;

/** A hub without links. */
export function createLinkHub(options: LinkHubOptions): LinkHub {
  const { clock, log, counters = createClusterCounters() } = options;
  const { roles = createRoles({ shut: false, counters }), latestKey = ({ route }: Push) => route } = options;
  const links = new Map<bigint, PeerLink>();
  const closedCounters = createLinkCounters();
  const deadlines = createDeadlineSweep(clock);
  const gaps = new Gaps(clock);
  const reception = createReception({
    ...options,
    counters,
    roles,
    admit,
    former: (incarnation) => links.get(incarnation)?.name ?? 0n,
    greeted: owner,
  });
  const dialer = createDialer({ ...options, create: reception.create, find: (incarnation) => links.get(incarnation) });
  let listener: Listener | undefined;
  let sweep: Timer | undefined;
  let lookedAtMs = clock.now();

  const events: LinkEvents = {
    ...options.events,
    broken(link, error) {
      log.info({ peer: link.peer.id, why: error.message }, "link broken");
      options.events.broken(link, error);
      dialer.broken(link);
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
    const { id, incarnation } = peer;
    const former = links.get(incarnation);
    if (resumed && former?.name !== name) throw unavailable(`the link to ${id} was given up`);
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
            latestKey,
            lost: (one, pushes) => gaps.add(one.peer.incarnation, pushes),
          });
    links.set(incarnation, link);
    link.attach(stream);
    const report = gaps.take(incarnation);
    if (report) link.tellGaps(report);
    log.debug({ peer: id, dialed: stream.dialed, resumed }, "link open");
    dialer.opened(link, stream);
    return link;
  }

  /** The peer does not go on with a link. */
  function replace(former: PeerLink): void {
    const reason = unavailable("a new link took the place of this one");
    // Two that cross are a moment apart. Any other the peer has given up, after as long a break as it would be here.
    former.giveUp(reason, clock.now() - former.openedAtMs >= dialTimeoutMs);
  }

  // Two servers may dial each other at once. The lower incarnation decides for both, so that one link is left, and the same at both ends.
  function admit({ id, incarnation }: Peer): void {
    if (options.self().incarnation > incarnation) return;
    const former = links.get(incarnation);
    // An older one the peer must have lost.
    const crossing = former?.dialed === true && !former.broken && clock.now() - former.openedAtMs < dialTimeoutMs;
    if (crossing || dialer.begun(incarnation)) {
      throw new NanoError({ code: "already_exists", message: `a link to ${id} comes from here` });
    }
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
    dialer.sweep();
    gaps.sweep();
    reception.sweep(now);
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
      listener = await options.transport.listen(at, reception.accept);
      lookedAtMs = clock.now();
      sweep = clock.every(sweepMs, look);
      return at.host.includes(":") ? `[${at.host}]:${listener.port}` : `${at.host}:${listener.port}`;
    },
    linkTo: dialer.linkTo,
    find,
    *links() {
      for (const link of links.values()) if (!link.broken) yield link;
    },
    totals: () => totalOf(links.values(), closedCounters),
    serversChanged: () => reception.look(),
    shut: () => reception.shut(),
    confirmed() {
      let confirmed = reception.size === 0;
      for (const link of links.values()) {
        confirmed &&= link.pending === 0 && link.acknowledged;
        // The answer says how far the peer has read.
        if (!link.acknowledged) link.ping();
      }
      return confirmed;
    },
    async stop() {
      dialer.stop();
      sweep?.cancel();
      for (const link of [...links.values()]) link.close("the server stops");
      reception.stop();
      deadlines.clear();
      await listener?.close();
    },
  };
}
