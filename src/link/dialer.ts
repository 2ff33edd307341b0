import { type Clock, type Random, within } from "../clock/index.ts";
import type { ServerInfo } from "../discovery/index.ts";
import { NanoError } from "../error/index.ts";
import type { Logger } from "../logger/index.ts";
import type { Link } from "./link.ts";
import type { LinkStream } from "./link-stream.ts";
import type { LinkTransport } from "./link-transport.ts";
import { Redial } from "./redial.ts";
import { unavailable } from "./unavailable.ts";

/** How long a server may take to answer, over all that a dial is. */
export const dialTimeoutMs = 3_000;

/** Opens links, one to a server, and opens them again when their streams break. */
export interface Dialer {
  /** The link to a server: the one that is there, or a new one. Throws NanoError `unavailable`. */
  linkTo(server: ServerInfo): Promise<Link>;
  /** Whether a stream to an incarnation is being opened, and its bytes can flow. */
  begun(incarnation: bigint): boolean;
  /** A stream has brought a link: who dials its server has it, whoever opened it. */
  opened(link: Link, stream: LinkStream): void;
  /** The stream of a link broke. */
  broken(link: Link): void;
  /** Forgets servers that nobody asks for any more. */
  sweep(): void;
  stop(): void;
}

/** What a dialer is made of. */
export interface DialerOptions {
  readonly transport: LinkTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** A stream that means to reach a server. */
  readonly create: (expected: ServerInfo, refused: (error: NanoError) => void) => LinkStream;
  /** The link to an incarnation, broken or not. */
  readonly find: (incarnation: bigint) => (Link & { readonly stream: LinkStream | undefined }) | undefined;
}

// A link whose stream broke has 5 s: time for more than one attempt.
const redialTimeoutMs = 1_000;
const firstReopenMs = 50;
const reopenMs = 200;

interface Dialing {
  readonly stream: LinkStream;
  /** Settles with any link to that server, whoever opened it. */
  readonly opened: PromiseWithResolvers<Link>;
}

/** A dialer that has dialed nobody. */
export function createDialer(options: DialerOptions): Dialer {
  const { transport, clock, random, log, find } = options;
  const redial = new Redial(clock, random);
  const dials = new Map<bigint, Promise<Link>>();
  const dialing = new Map<bigint, Dialing>();
  // Whom this side has dialed: it does so again when the stream breaks.
  const dialed = new WeakMap<Link, ServerInfo>();
  let stopped = false;

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
    const { incarnation } = server;
    const opened = Promise.withResolvers<Link>();
    const stream = options.create(server, (error) => {
      // Refused for the sake of another link, which is about to open.
      if (error.code !== "already_exists") opened.reject(error);
    });
    const giveUp = new AbortController();
    dialing.set(incarnation, { stream, opened });
    transport.dial(address, stream.events, giveUp.signal).then(
      (bytes) => stream.begin(bytes),
      (reason: unknown) => opened.reject(unavailable(NanoError.from(reason).message, reason)),
    );
    try {
      const timeoutMs = find(incarnation) ? redialTimeoutMs : dialTimeoutMs;
      const link = await within(clock, timeoutMs, opened.promise, () => {
        throw unavailable(`no answer within ${timeoutMs} ms`);
      });
      dialed.set(link, server);
      return link;
    } finally {
      dialing.delete(incarnation);
      if (find(incarnation)?.stream !== stream) {
        giveUp.abort();
        stream.destroy(unavailable("given up"), true);
      }
    }
  }

  function linkTo(server: ServerInfo): Promise<Link> {
    const { incarnation } = server;
    const link = find(incarnation);
    if (link && !link.broken) return Promise.resolve(link);
    if (stopped) return Promise.reject(unavailable("this server has stopped"));
    const under = dials.get(incarnation);
    if (under) return under;
    const refusal = redial.refusal(incarnation);
    if (refusal) return Promise.reject(refusal);
    const begun = dial(server).finally(() => dials.delete(incarnation));
    dials.set(incarnation, begun);
    return begun;
  }

  /** Dials until the link has a stream, or is over. */
  function reopen(link: Link, server: ServerInfo): void {
    if (stopped || link.closed || !link.broken) return;
    linkTo(server).catch(() => void clock.after(reopenMs * (0.5 + random.next()), () => reopen(link, server)));
  }

  return {
    linkTo,
    begun: (incarnation) => dialing.get(incarnation)?.stream.begun === true,
    opened(link, stream) {
      const { incarnation } = link.peer;
      redial.reached(incarnation);
      const under = dialing.get(incarnation);
      under?.opened.resolve(link);
      if (under && under.stream !== stream) under.stream.destroy(unavailable("the peer was first"), true);
    },
    broken(link) {
      const server = dialed.get(link);
      // Not in step with the others that lost the same server; and not where the next stream is there already.
      if (server) clock.after(firstReopenMs * random.next(), () => reopen(link, server));
    },
    sweep: () => redial.sweep(),
    stop() {
      stopped = true;
    },
  };
}
