import type { Clock, Random } from "../clock/index.ts";
import { type Code, NanoError } from "../error/index.ts";
import type { Logger } from "../logger/index.ts";
import { RouteTexts } from "../message/index.ts";
import type { ClusterCounters, LinkRefusal } from "../metrics/index.ts";
import type { ByteStream, StreamEvents } from "../net/index.ts";
import type { Greeted } from "./greeting.ts";
import type { Peer } from "./link.ts";
import { LinkStream, type StreamOwner } from "./link-stream.ts";
import type { End } from "./proof.ts";
import type { Roles } from "./roles.ts";
import { unavailable } from "./unavailable.ts";

/** Streams whose two ends do not know each other yet: those that this side opened, and those that came. */
export interface Reception {
  /** How many greet. */
  readonly size: number;
  /** A stream that this side opens. @param refused Told where it ends before a link is there. */
  create(expected: End, refused: (error: NanoError) => void): LinkStream;
  /** A stream that came. */
  accept(bytes: ByteStream): StreamEvents;
  /** Others are known than before: who waits to be may come in. */
  look(): void;
  /** Refuses who is late. */
  sweep(nowMs: number): void;
  /** Whoever comes from now on is refused. */
  shut(): void;
  /** Refuses all. */
  stop(): void;
}

/** What a reception is made of. */
export interface ReceptionOptions {
  readonly self: () => Peer;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly tokens: readonly string[];
  readonly roles: Roles;
  readonly counters: Pick<ClusterCounters, "linksRefused">;
  /** Throws why a peer that dialed may not have the link. */
  readonly admit: (peer: Peer) => void;
  /** The name of the link with a peer that this side could go on with; 0n where there is none. */
  readonly former: (incarnation: bigint) => bigint;
  /** Two servers know each other: gives who takes what comes on the stream. Throws where they do not go on together. */
  readonly greeted: (stream: LinkStream, greeted: Greeted) => StreamOwner;
}

const greetTimeoutMs = 5_000;
// Whoever is written in discovery now is known everywhere long before; whoever dials has 3 s.
const unknownMs = 2_000;
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

/** A reception with nobody in it. */
export function createReception(options: ReceptionOptions): Reception {
  const { log, counters, admit, former } = options;
  const greeting = new Set<LinkStream>();
  const texts = new RouteTexts();
  let shut = false;

  function create(expected: End | undefined, refused: (error: NanoError) => void): LinkStream {
    const stream: LinkStream = new LinkStream({
      ...options,
      dialed: expected !== undefined,
      ...(expected ? { expected } : {}),
      texts,
      admit,
      former,
      greeted(greeted) {
        greeting.delete(stream);
        return options.greeted(stream, greeted);
      },
      refused(error) {
        greeting.delete(stream);
        refused(error);
      },
    });
    greeting.add(stream);
    return stream;
  }

  return {
    get size() {
      return greeting.size;
    },
    create,
    accept(bytes) {
      const stream = create(undefined, (error) => {
        const counted = error === tooMany ? "busy" : refusals[error.code];
        if (counted) counters.linksRefused[counted]++;
        log.warn({ peer: bytes.remoteAddress, code: error.code, why: error.message }, "a link was refused");
      });
      stream.begin(bytes);
      if (shut) stream.refuse(unavailable("the server stops"));
      // Whoever belongs here has greeted within milliseconds: the oldest does not.
      const oldest = greeting.size > maxGreeting ? [...greeting].find(({ dialed }) => !dialed) : undefined;
      oldest?.refuse(tooMany);
      return stream.events;
    },
    look() {
      for (const stream of [...greeting]) stream.look();
    },
    sweep(nowMs) {
      for (const stream of [...greeting]) {
        if (nowMs - stream.startedAtMs >= unknownMs) stream.look(true);
        if (nowMs - stream.startedAtMs < greetTimeoutMs) continue;
        stream.refuse(new NanoError({ code: "deadline_exceeded", message: `no greeting within ${greetTimeoutMs} ms` }));
      }
    },
    shut() {
      shut = true;
    },
    stop() {
      shut = true;
      for (const stream of [...greeting]) stream.refuse(unavailable("the server stops"));
    },
  };
}
