import { create } from "@bufbuild/protobuf";
import { CancelSchema, PingSchema, PongSchema, type Push } from "../../gen/nano/cluster/v1/link_pb.ts";
import type { Clock, DeadlineSweep, Timer } from "../clock/index.ts";
import { NanoError } from "../error/index.ts";
import { answerBody, outcomeOf, tooLargeAnswer } from "./answers.ts";
import { Carried } from "./carried.ts";
import { encodeBody, type InFrame, type Rider } from "./frame.ts";
import type { GapReport } from "./gap-report.ts";
import { IdleTime } from "./idle-time.ts";
import { createLinkCounters, type FrameBody, type Link, type LinkEvents, type Outcome, type Peer } from "./link.ts";
import type { LinkStream, StreamOwner } from "./link-stream.ts";
import { noOrder, type Order, orderOf } from "./order.ts";
import { PendingCalls } from "./pending-calls.ts";
import { PushAnswers } from "./push-answers.ts";
import { ReceivedFrames } from "./received-frames.ts";
import { Sender } from "./sender.ts";
import { asUnavailable, unavailable } from "./unavailable.ts";
import { toBigint, toNumber } from "./wide.ts";

/** What a link needs of the hub. */
export interface PeerLinkOptions {
  readonly peer: Peer;
  /** Its name over all streams that carry it; 0n where the peer cannot go on with it. */
  readonly name: bigint;
  readonly clock: Clock;
  readonly deadlines: DeadlineSweep;
  readonly load: () => number;
  readonly events: LinkEvents;
  /** What the newest push of `latest` takes the place of. */
  readonly latestKey: (push: Push) => string;
  /** Pushes that were taken and may not have arrived. */
  readonly lost: (link: PeerLink, pushes: readonly Push[]) => void;
}

/** How long a link whose stream broke waits for another. */
const resumeMs = 5_000;

// Answers and control are not refused: of a peer that asks and asks and does not read, only the link can be given up.
const maxWaitingBytes = 16 * 1_024 * 1_024;

/** What one server keeps with another, over all streams that carry it. */
export class PeerLink implements Link, StreamOwner {
  readonly peer: Peer;
  readonly name: bigint;
  readonly counters = createLinkCounters();
  dialed = false;
  broken = false;
  openedAtMs = 0;
  load = 0;

  readonly #idle = new IdleTime();
  // What this side and the peer have opened on the stream: both say it again on the next.
  #ours = new Carried();
  #theirs = new Carried();

  readonly #options: PeerLinkOptions;
  readonly #calls: PendingCalls;
  readonly #sender: Sender;
  readonly #received = new ReceivedFrames();
  readonly #answers = new PushAnswers();
  #stream: LinkStream | undefined;
  #closed = false;
  #giveUp: Timer | undefined;

  constructor(options: PeerLinkOptions) {
    const { peer, name, clock, deadlines, load, latestKey } = options;
    this.#options = options;
    this.peer = peer;
    this.name = name;
    this.#calls = new PendingCalls(deadlines, (call) => this.#tellCanceled(toBigint(call)));
    this.#sender = new Sender({
      peer: peer.id,
      clock,
      counters: this.counters,
      latestKey,
      // A load of 0 says nothing, so one more.
      rider: (): Rider => ({ ack: this.#received.tell(), load: load() + 1 }),
    });
  }

  get closed(): boolean {
    return this.#closed;
  }
  get stream(): LinkStream | undefined {
    return this.#stream;
  }
  get pending(): number {
    return this.#calls.size;
  }
  /** Bytes that wait here: for credit, for a stream, or for the system to take them. */
  get queuedBytes(): number {
    return this.#sender.waitingBytes;
  }

  get carries(): boolean {
    return this.#ours.any || this.#theirs.any;
  }

  /** How long nothing was asked, answered or pushed, as far as was looked; 0 as long as calls wait, or sessions or groups live here. */
  idleMs(nowMs: number): number {
    return this.#idle.look(nowMs, this.#calls.size > 0 || this.carries);
  }
  get acknowledged(): boolean {
    return this.#sender.acknowledgedAll;
  }

  /** A stream carries it from now on. */
  attach(stream: LinkStream): void {
    // The peer would not have opened another if it had not lost the former.
    this.break(unavailable("a new stream took the place of this one"));
    this.#giveUp?.cancel();
    this.#stream = stream;
    this.dialed = stream.dialed;
    this.broken = false;
    this.openedAtMs = this.#options.clock.now();
    this.#idle.used();
    this.#ours = new Carried();
    this.#theirs = new Carried();
    this.#received.resume();
    this.#sender.attach(stream.outbox);
    this.#options.events.opened(this);
  }

  send(body: FrameBody): void {
    if (this.#closed) return;
    if (body.case === "kick" && body.value.call === 0n) return this.#sender.keep(body);
    const outbox = this.#stream?.outbox;
    if (!outbox) return this.#unanswered(body);
    this.#ours.take(body);
    if (isUrgent(body)) outbox.addFirst(encodeBody(body));
    else this.#sender.free(body, orderOf(body));
    this.#mustBeRead();
  }

  sendData(body: FrameBody): void {
    if (this.#closed) throw unavailable("the link is closed");
    if (body.case === "push") {
      this.#sender.push(body, body.value);
      if (body.value.delivery !== "droppable") this.#calls.keep(toNumber(body.value.call));
    } else {
      if (!this.#stream) throw unavailable("the link is broken");
      this.#sender.data(body);
    }
    this.#idle.used();
  }

  /** Tells to whom pushes were lost. */
  tellGaps(report: GapReport): void {
    this.#sender.keep(report.frame);
  }

  expect(deadlineMs: number, settle: (outcome: Outcome | NanoError) => void): bigint {
    this.#idle.used();
    const call = this.#calls.add(deadlineMs, settle);
    // The caller has not got the number yet: it hears after this turn.
    if (this.#closed) queueMicrotask(() => this.#calls.settle(call, unavailable("the link is closed")));
    return toBigint(call);
  }

  cancel(call: bigint, reason: NanoError): void {
    if (this.#calls.settle(toNumber(call), reason)) this.#tellCanceled(call);
  }

  forget(call: bigint, reason: NanoError): void {
    this.#calls.settle(toNumber(call), reason);
  }

  answer(call: bigint, outcome: Outcome, order: Order = noOrder): void {
    if (call === 0n || this.#closed) return;
    this.#idle.used();
    this.#answers.given(call, outcome);
    if (!this.#stream) return;
    if (!this.#sender.free(answerBody(call, outcome), order)) this.#sender.free(tooLargeAnswer(call), order);
    this.#mustBeRead();
  }

  close(reason: string): void {
    if (this.#stream) this.#stream.close(reason);
    else this.#close(unavailable(reason));
  }

  /** The peer cannot be talked to on this stream; it may come back on another. */
  break(error: NanoError): void {
    this.#stream?.destroy(error, false);
  }

  /** It is over, without another word. @param lost The peer has lost it before, and what was on its way. */
  giveUp(error: NanoError, lost = false): void {
    this.broken ||= lost;
    if (this.#stream) this.#stream.destroy(error, true);
    else this.#close(error);
  }

  /** Asks for a sign of life. */
  ping(): void {
    this.counters.pings++;
    this.send({ case: "ping", value: create(PingSchema) });
  }

  /** Tells how far the peer was read, where no other frame has. */
  acknowledge(): void {
    if (this.#received.untold) this.#stream?.outbox.ride();
  }

  frame({ number, ack, credit, load, body, bodyBytes }: InFrame): void {
    this.counters.framesIn++;
    if (load > 0) this.load = load - 1;
    if (credit > 0) this.#sender.granted(credit);
    if (ack > 0) this.#sender.acknowledged(ack);
    if (number > 0) {
      this.#idle.used();
      if (!this.#received.take(number, bodyBytes)) return this.#repeated(body);
    }
    // Of a later version: what rides on it counts all the same.
    if (body !== undefined) this.#take(body);
  }

  idle(): void {
    if (this.#received.due) this.acknowledge();
  }

  bytesIn(bytes: number): void {
    this.counters.bytesIn += bytes;
  }

  over(error: NanoError, last: boolean): void {
    if (!this.#stream) return;
    this.#stream = undefined;
    this.broken ||= !last && this.name !== 0n;
    if (last || this.name === 0n) return this.#close(error);
    this.#sender.detach();
    this.#calls.fail(asUnavailable(error), false);
    this.#giveUp = this.#options.clock.after(resumeMs, () => this.#close(error));
    this.#options.events.broken(this, error);
  }

  #take(body: FrameBody): void {
    switch (body.case) {
      case "answer":
        if (!this.#calls.settle(toNumber(body.value.call), outcomeOf(body.value))) this.counters.late++;
        return;
      case "ping":
        return this.send({ case: "pong", value: create(PongSchema) });
      case "pong":
      // Of a frame that is not whole yet.
      case "chunk":
        return;
      case "hello":
      case "proof":
        throw new NanoError({ code: "failed_precondition", message: `a second ${body.case}` });
      default:
        this.#theirs.take(body);
        this.#options.events.frame(this, body);
    }
  }

  // It was handled; only the answer may not have arrived.
  #repeated(body: FrameBody | undefined): void {
    this.counters.repeats++;
    if (body?.case === "push") this.answer(body.value.call, this.#answers.again(body.value.call));
  }

  // What was to be answered never will be. The caller may not have got its number yet.
  #unanswered({ value }: FrameBody): void {
    if (!("call" in value) || value.call === 0n) return;
    const call = toNumber(value.call);
    queueMicrotask(() => this.#calls.settle(call, unavailable("the link is broken")));
  }

  #tellCanceled(call: bigint): void {
    this.send({ case: "cancel", value: create(CancelSchema, { call }) });
  }

  #mustBeRead(): void {
    if (this.#sender.waitingBytes <= maxWaitingBytes) return;
    this.giveUp(new NanoError({ code: "resource_exhausted", message: `${this.peer.id} does not read` }));
  }

  #close(error: NanoError): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#giveUp?.cancel();
    const lost = this.#sender.end();
    this.counters.lost += lost.length;
    this.#calls.fail(asUnavailable(error), true);
    this.#options.lost(this, lost);
    this.#options.events.closed(this, error);
  }
}

// What has no order, and the peer waits for.
function isUrgent({ case: kind }: FrameBody): boolean {
  return kind === "ping" || kind === "pong";
}
