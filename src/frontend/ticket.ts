import { createHash, timingSafeEqual } from "node:crypto";
import type { Random } from "../clock/index.ts";

/** What a client comes back to its session with, as it is written: `<incarnation of the frontend>.<session>.<secret>`. */
export interface Ticket {
  readonly incarnation: bigint;
  /** In hex. */
  readonly session: string;
  readonly secret: string;
}

const secretBytes = 32;
const form = /^(\d{1,20})\.([0-9a-f]{32})\.([\w-]{43})$/;

/** Undefined where it is none. */
export function parseTicket(text: string): Ticket | undefined {
  const [, incarnation, session, secret] = form.exec(text) ?? [];
  return incarnation && session && secret ? { incarnation: BigInt(incarnation), session, secret } : undefined;
}

// A client that loses one connection after the other was offered one on each.
const mostOffered = 8;

/**
 * The tickets of one session: the one that its client is known to have, and those that it was told since. All are good until one of these is known to
 * have come: of connections that were begun one after the other the first may arrive last, and so its offer is not the one that the client has heard.
 */
export class Tickets {
  // Hashed: whoever reads this memory cannot come back with it.
  #known: string | undefined;
  // Oldest first.
  #offered: readonly string[] = none;

  /** Makes the next. */
  offer(of: Omit<Ticket, "secret">, random: Random): string {
    const secret = Buffer.from(random.bytes(secretBytes)).toString("base64url");
    this.#offered = [...this.#offered, hash(secret)].slice(-mostOffered);
    return `${of.incarnation}.${of.session}.${secret}`;
  }

  /** Whether the client may have one. */
  get any(): boolean {
    return this.#known !== undefined || this.#offered.length > 0;
  }

  /** The client has the last. */
  taken(): void {
    this.#know(this.#offered.at(-1));
  }

  /** The client shows one. Gives whether it was offered and not known to have come: now it is. */
  shown(secret: string): boolean {
    const given = hash(secret);
    const offered = this.#offered.find((one) => equal(given, one));
    this.#know(offered);
    return offered !== undefined;
  }

  /** The client has had this one from elsewhere. */
  adopt(secret: string): void {
    this.#known = hash(secret);
  }

  /** Whether it is one of them. */
  has(secret: string): boolean {
    const given = hash(secret);
    return this.#offered.some((one) => equal(given, one)) || (this.#known !== undefined && equal(given, this.#known));
  }

  #know(offered: string | undefined): void {
    if (offered === undefined) return;
    this.#known = offered;
    this.#offered = none;
  }
}

// One for all sessions: most of the time nothing is on offer.
const none: readonly string[] = [];

function hash(secret: string): string {
  return createHash("sha256").update(secret).digest("base64");
}

function equal(one: string, other: string): boolean {
  return timingSafeEqual(Buffer.from(one), Buffer.from(other));
}
