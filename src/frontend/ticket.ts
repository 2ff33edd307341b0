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

/** The tickets of one session: the one that its client is known to have, and the one that it was told last. Both are good until the second is known to have come. */
export class Tickets {
  // Hashed: whoever reads this memory cannot come back with it.
  #known: string | undefined;
  #offered: string | undefined;

  /** Makes the next. What was offered before and not taken is void. */
  offer(of: Omit<Ticket, "secret">, random: Random): string {
    const secret = Buffer.from(random.bytes(secretBytes)).toString("base64url");
    this.#offered = hash(secret);
    return `${of.incarnation}.${of.session}.${secret}`;
  }

  /** Whether the client may have one. */
  get any(): boolean {
    return this.#known !== undefined || this.#offered !== undefined;
  }

  /** The client has the last. */
  taken(): void {
    this.#known = this.#offered ?? this.#known;
    this.#offered = undefined;
  }

  /** The client has had this one from elsewhere. */
  adopt(secret: string): void {
    this.#known = hash(secret);
  }

  /** Which of them it is. */
  which(secret: string): "known" | "offered" | undefined {
    const given = hash(secret);
    if (this.#offered !== undefined && equal(given, this.#offered)) return "offered";
    return this.#known !== undefined && equal(given, this.#known) ? "known" : undefined;
  }
}

function hash(secret: string): string {
  return createHash("sha256").update(secret).digest("base64");
}

function equal(one: string, other: string): boolean {
  return timingSafeEqual(Buffer.from(one), Buffer.from(other));
}
