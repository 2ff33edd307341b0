import type { DeadlineSweep, Due, ReadClock } from "../clock/index.ts";
import type { ServerCall } from "../context/index.ts";
import type { ByteWriter } from "../contract/index.ts";
import { NanoError, publicError } from "../error/index.ts";
import type { CallCounter, Stage } from "../metrics/index.ts";
import { type At, type Entry, type Outlet, run } from "../pipeline/index.ts";
import { atHome, type Home, type Ownership } from "../router/index.ts";
import type { SessionCore, Work } from "../session/index.ts";
import { accessRefusal } from "./access.ts";

/** A call that is not over yet. */
export interface Breakable {
  /** Breaks it off, if it is not over: its outlet hears the reason. */
  breakOff(reason: NanoError): void;
}

/** One of a message that stands in bytes of somebody else. */
export interface StandingCall extends Breakable {
  /** Whether its turn has come: it looks at the bytes no more. */
  readonly begun: boolean;
  /** Gives it bytes that stay. */
  keep(body: Uint8Array): void;
}

/** What the calls of a server share. */
export interface Desk {
  readonly time: ReadClock;
  readonly deadlines: Pick<DeadlineSweep, "add" | "remove">;
  readonly ownership: Ownership;
  readonly writer: ByteWriter;
  /** Calls that began and have not been answered. */
  pending: number;
}

/** One message from its arrival on this server to its answer. */
export class HandlerCall implements StandingCall, Due, Outlet, Work {
  readonly #desk: Desk;
  readonly #entry: Entry;
  readonly #counter: CallCounter;
  readonly #session: SessionCore;
  #bytes: Uint8Array;
  #from: number;
  #to: number;
  readonly #outlet: Outlet;
  readonly #context: ServerCall;
  readonly #arrivedMs: number;
  // Of an owned key.
  #home: Home | undefined;
  // When its turn came; of one whose turn never came, never.
  #beganMs = Number.NaN;
  over = false;
  // The sweep's. Here from the start, so that all of them are of one shape.
  place: number | undefined = undefined;

  /** @param bytes The message stands in them, from `from` up to `to`. */
  constructor(
    desk: Desk,
    at: At,
    session: SessionCore,
    bytes: Uint8Array,
    from: number,
    to: number,
    context: ServerCall,
    arrivedMs: number,
    outlet: Outlet,
  ) {
    this.#desk = desk;
    this.#arrivedMs = arrivedMs;
    this.#entry = at.entry;
    this.#counter = at.counter;
    this.#session = session;
    this.#bytes = bytes;
    this.#from = from;
    this.#to = to;
    this.#outlet = outlet;
    this.#context = context;
    desk.pending++;
  }

  get deadlineMs(): number {
    return this.#context.deadlineMs;
  }

  get begun(): boolean {
    return !Number.isNaN(this.#beganMs);
  }

  keep(body: Uint8Array): void {
    this.#bytes = body;
    this.#from = 0;
    this.#to = body.length;
  }

  /** Its turn in the mailbox has come. */
  begin(): void {
    const session = this.#session;
    if (this.over) return session.mailbox.finished(this);
    if (session.ended) return this.breakOff(new NanoError({ code: "canceled", message: "the session has ended" }), "access");
    const beganMs = this.#desk.time.now();
    this.#beganMs = beganMs;
    this.#counter.queueSeconds.observe((beganMs - this.#arrivedMs) / 1_000);
    if (beganMs >= this.deadlineMs) return this.expire();
    session.refresh();
    const refusal = refused(this.#entry, session);
    if (refusal) this.failed(refusal, "access");
    else if (this.#entry.ownedBy) this.#beginAtHome(this.#entry.ownedBy);
    else run(this.#entry, this.#context, this.#bytes, this.#from, this.#to, this.#desk.writer, this);
  }

  // In its turn, so that a key that must be claimed first is not overtaken.
  #beginAtHome(ownedBy: NonNullable<Entry["ownedBy"]>): void {
    const { ownership, writer } = this.#desk;
    // It may have to wait for its claim.
    const body = this.#bytes.slice(this.#from, this.#to);
    const begin = (home: Home): void => {
      if (this.over) return ownership.left(home);
      this.#home = home;
      run(this.#entry, this.#context, body, 0, body.length, writer, this);
    };
    atHome(ownership, ownedBy, body, begin, (reason) => this.failed(reason, "route"));
  }

  answered(body: Uint8Array): void {
    if (!this.#end()) return;
    this.#outlet.answered(body);
    // Of one that runs beside others the mailbox knows nothing.
    this.#session.mailbox.finished(this);
  }

  laid(answer: ByteWriter): void {
    if (!this.#end()) return;
    if (this.#outlet.laid) this.#outlet.laid(answer);
    else this.#outlet.answered(answer.slice(0, answer.length));
    this.#session.mailbox.finished(this);
  }

  failed(reason: unknown, stage: Stage): void {
    if (!this.#end()) return;
    this.#counter.failedWith(publicError(reason).code);
    this.#outlet.failed(reason, stage);
    this.#session.mailbox.finished(this);
  }

  expire(): void {
    this.breakOff(new NanoError({ code: "deadline_exceeded", message: `${this.#entry.method.route} took too long` }));
  }

  /** The context ends, the client is told, and the mailbox goes on; the code that runs may still. */
  breakOff(reason: NanoError, stage: Stage = "handler"): void {
    if (this.over) return;
    this.#context.breakOff(reason);
    this.failed(reason, stage);
  }

  #end(): boolean {
    if (this.over) return false;
    this.over = true;
    const desk = this.#desk;
    desk.pending--;
    this.#counter.ended((desk.time.look() - this.#beganMs) / 1_000);
    if (this.place !== undefined) desk.deadlines.remove(this);
    if (this.#home) desk.ownership.left(this.#home);
    return true;
  }
}

/** Why the session may not call the method now, if so. The frontend asks the same first. */
function refused({ method }: Entry, session: SessionCore): NanoError | undefined {
  return accessRefusal(method.access ?? "bound", method.roles ?? nobody, session.user, session.roles);
}

const nobody: readonly string[] = [];
