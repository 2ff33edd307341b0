import type { Random } from "../clock/index.ts";
import type { NanoAnswer } from "../handshake/index.ts";
import type { SessionLog } from "../session/index.ts";
import { type Ticket, Tickets } from "./ticket.ts";

/** What a client is told that may come back, beside what every client is. */
export type Offer = Pick<NanoAnswer, "session" | "ticket" | "windowMs" | "epoch" | "received" | "resumed">;

/** What a session's return stands on. */
export interface ResumptionOptions {
  readonly of: Omit<Ticket, "secret">;
  readonly random: Random;
  readonly log: SessionLog;
  readonly windowMs: number;
}

// How much a client may send until it is told that it came.
const ackPackets = 64;
const ackBytes = 32 * 1_024;

/** What both sides of one session know that a client can come back with: its tickets, and how many Data packets came in either direction. */
export class Resumption {
  readonly #options: ResumptionOptions;
  readonly #tickets = new Tickets();
  #epoch = 0;
  #received = 0;
  #packetsUntold = 0;
  #bytesUntold = 0;
  // What a client says to have that has come back, and has not yet acknowledged the answer.
  #comes: number | undefined;

  constructor(options: ResumptionOptions) {
    this.#options = options;
  }

  /** How often the client has come back. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Goes on with what another frontend has known. */
  adopt({ secret, epoch, received }: { readonly secret: string; readonly epoch: number; readonly received: number }): void {
    this.#tickets.adopt(secret);
    this.#epoch = epoch;
    this.#received = received;
  }

  /** How many Data packets of the client were read since it last came. */
  get received(): number {
    return this.#received;
  }

  /** Whether the client may come back: it was offered a ticket. */
  get possible(): boolean {
    return this.#tickets.any;
  }

  /** Whether a ticket's secret is of this session. */
  has(secret: string): boolean {
    return this.#tickets.has(secret);
  }

  /** What a new session's client is told. */
  begin(): Offer {
    return this.#offer(false);
  }

  /**
   * The client comes back, and has read so many Data packets of the server. Gives what it is told: what it has not got is sent when it has acknowledged
   * that. Undefined where not all of it is there any more.
   */
  resume(secret: string, received: number): Offer | undefined {
    // With a ticket of an answer it says that it has heard that, though its ack was lost: it counts from there.
    if (this.#tickets.shown(secret)) this.confirm();
    if (!Number.isSafeInteger(received) || !this.#options.log.reaches(received)) return undefined;
    this.#comes = received;
    return this.#offer(true);
  }

  /** The client has acknowledged what it was told. Gives how many messages go to it again, or now, where it came back. */
  confirm(): number | undefined {
    this.#tickets.taken();
    const received = this.#comes;
    if (received === undefined) return undefined;
    this.#comes = undefined;
    this.#epoch++;
    this.#received = this.#packetsUntold = this.#bytesUntold = 0;
    return this.#options.log.resume(received);
  }

  /** A Data packet of the client was read. Gives whether to say so now. */
  count(bytes: number): boolean {
    this.#received++;
    this.#bytesUntold += bytes;
    return ++this.#packetsUntold >= ackPackets || this.#bytesUntold >= ackBytes;
  }

  /** What is to be told: how many were read. */
  tell(): number {
    this.#packetsUntold = this.#bytesUntold = 0;
    return this.#received;
  }

  #offer(resumed: boolean): Offer {
    const { of, random, windowMs } = this.#options;
    return {
      session: of.session,
      ticket: this.#tickets.offer(of, random),
      windowMs,
      epoch: resumed ? this.#epoch + 1 : this.#epoch,
      received: this.#received,
      resumed,
    };
  }
}
