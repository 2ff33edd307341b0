import type { Push } from "../../gen/nano/cluster/v1/link_pb.ts";
import type { Clock } from "../clock/index.ts";
import { NanoError } from "../error/index.ts";
import { maxChunkedBytes } from "./chunks.ts";
import { costOf, dataFrame, encodeBody, freeFrame, type OutFrame, pushFrame, type Rider } from "./frame.ts";
import { GapReport } from "./gap-report.ts";
import { HeldFrames, type Leave } from "./held-frames.ts";
import { hotFrameBytes, hotLength } from "./hot-encode.ts";
import type { FrameBody, LinkCounters } from "./link.ts";
import { type Order, orderOf } from "./order.ts";
import type { Outbox, OutboxOwner } from "./outbox.ts";
import { SentFrames } from "./sent-frames.ts";

/** What a sender needs of its link. */
export interface SenderOptions {
  /** The id of the server at the other end. */
  readonly peer: string;
  readonly clock: Clock;
  readonly counters: LinkCounters;
  readonly rider: () => Rider;
  /** What the newest push of `latest` takes the place of. */
  readonly latestKey: (push: Push) => string;
}

// How much may be under way until the peer says otherwise, and the most that it may say.
const windowBytes = 4 * 1_024 * 1_024;
const maxWindowBytes = 64 * 1_024 * 1_024;
// How much may wait for credit, or for a stream.
const maxHeldBytes = 4 * 1_024 * 1_024;

/** The half of a link that sends: numbers, credit, and what waits, over all streams that carry the link. */
export class Sender implements OutboxOwner {
  readonly #options: SenderOptions;
  readonly #sent = new SentFrames();
  readonly #held = new HeldFrames();
  #outbox: Outbox | undefined;
  #underway = 0;
  #window = windowBytes;
  #number = 0;
  #gaps: GapReport | undefined;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** Bytes that no stream has taken. */
  get waitingBytes(): number {
    return this.#held.bytes + (this.#outbox?.waitingBytes ?? 0);
  }

  /** Whether the peer has acknowledged every data frame, and none waits. */
  get acknowledgedAll(): boolean {
    return this.#underway === 0 && this.#sent.size === 0 && this.#held.size === 0;
  }

  /** Sends here from now on, and first what the peer has not acknowledged. */
  attach(outbox: Outbox): void {
    this.#outbox = outbox;
    outbox.owner = this;
    for (const frame of this.#sent.kept()) {
      this.#underway += frame.cost;
      this.#options.counters.resent++;
      outbox.addInLine(frame);
    }
    this.#held.behind(outbox.end);
    outbox.touch();
  }

  /** The stream is gone: keeps what outlives it. */
  detach(): void {
    const outbox = this.#outbox;
    this.#outbox = undefined;
    this.#underway = 0;
    this.#sent.forgetOthers();
    // What has a number is among those.
    const unsent = [...(outbox?.take() ?? []), ...this.#held.take()].filter(({ kept, number }) => kept && number === 0);
    for (const frame of unsent) this.#held.add(frame);
  }

  /** Nothing will be sent any more; gives the pushes that may not have arrived. */
  end(): Push[] {
    this.#outbox = undefined;
    return [...this.#sent.kept(), ...this.#held.take()].flatMap(({ push, kept }) => (push && kept ? [push] : []));
  }

  /** The peer has taken data frames, up to a number. */
  acknowledged(number: number): void {
    // Of a number that was never given nothing is known.
    if (number <= this.#number) this.#underway -= this.#sent.acknowledged(number);
    if (this.#held.size > 0) this.#outbox?.touch();
  }

  /** The peer says how much may be under way. */
  granted(bytes: number): void {
    this.#window = Math.min(bytes, maxWindowBytes);
    if (this.#held.size > 0) this.#outbox?.touch();
  }

  /** A forward or a call. Throws NanoError `resource_exhausted`. */
  data(body: FrameBody): void {
    const order = orderOf(body);
    const length = this.#laid(body, order);
    if (length >= 0) {
      const cost = costOf(hotFrameBytes(length));
      this.#spend(cost);
      this.#sent.add(cost);
      this.#outbox?.lay(body, length, ++this.#number);
    } else {
      const frame = dataFrame(this.#encode(body), order);
      this.#spend(frame.cost);
      this.#add(frame);
    }
  }

  /** A frame outside of credit. False where it is an answer that is larger than the link carries. */
  free(body: FrameBody, order: Order): boolean {
    const length = this.#laid(body, order);
    if (length >= 0) {
      this.#outbox?.lay(body, length, 0);
      return true;
    }
    const bytes = encodeBody(body);
    if (body.case === "answer" && !this.#fits(bytes)) return false;
    this.#add(freeFrame(bytes, order));
    return true;
  }

  /** A frame that waits for a stream, if there is none. Gives whether there was room. */
  keep(body: FrameBody): void {
    const frame = freeFrame(encodeBody(body), orderOf(body), true);
    if (this.#outbox || this.#held.bytes + frame.bytes.length <= maxHeldBytes) this.#add(frame);
  }

  /** Throws NanoError `resource_exhausted`, or `unavailable` where a `droppable` one finds no stream and its sender wants to know. */
  push(body: FrameBody, push: Push): void {
    const frame = pushFrame(this.#encode(body), orderOf(body), push);
    const outbox = this.#outbox;
    const credit = outbox !== undefined && this.#underway + frame.cost <= this.#pushWindow;
    if (credit && this.#held.size === 0 && !outbox.full && !outbox.holdsUp(frame)) {
      this.#underway += frame.cost;
      return outbox.add(frame);
    }
    if (!frame.kept && !credit) return this.#drop(push);
    if (push.delivery === "latest") frame.latest = `${targetText(push)}\n${this.#options.latestKey(push)}`;
    if (this.#held.bytes + frame.bytes.length > maxHeldBytes) {
      this.#lose(push);
      throw this.#tooMuch(`too many pushes to ${this.#options.peer} wait`);
    }
    this.#hold(frame);
  }

  rider(): Rider {
    return this.#options.rider();
  }

  pull(bytes: number, take: (frame: OutFrame) => void): void {
    const outbox = this.#outbox;
    if (!outbox || this.#held.size === 0) return;
    const leave = (frame: OutFrame): Leave => {
      if (frame.after > outbox.left) return "no";
      if (frame.push && this.#underway + frame.cost > this.#pushWindow) return "credit";
      if (!outbox.sliced(frame.bytes)) return "whole";
      return outbox.slot ? "pieces" : "no";
    };
    this.#held.release(bytes, outbox.slicedOrders, leave, (frame) => {
      if (frame.push) this.#underway += frame.cost;
      take(frame);
    });
  }

  number(frame: OutFrame): number {
    if (frame.cost === 0 || frame.number > 0) return frame.number;
    frame.number = ++this.#number;
    if (frame.kept) this.#sent.keep(frame);
    else this.#sent.add(frame.cost);
    return frame.number;
  }

  wrote(frames: number, bytes: number): void {
    this.#options.counters.framesOut += frames;
    this.#options.counters.bytesOut += bytes;
  }

  // Forwards and calls are refused where the window is full: pushes, which wait for every byte of it, leave them a quarter.
  get #pushWindow(): number {
    return this.#window - (this.#window >> 2);
  }

  /** The length of a body that needs no frame of its own until it is written; below 0: it does. */
  #laid(body: FrameBody, order: Order): number {
    const outbox = this.#outbox;
    if (!outbox || (this.#held.size > 0 && this.#held.meets(order))) return -1;
    const length = hotLength(body);
    return length >= 0 && outbox.lays(hotFrameBytes(length)) ? length : -1;
  }

  #spend(cost: number): void {
    if (this.#underway + cost > this.#window) throw this.#tooMuch(`the link to ${this.#options.peer} is full`);
    this.#underway += cost;
  }

  #encode(body: FrameBody): Uint8Array {
    const bytes = encodeBody(body);
    if (!this.#fits(bytes)) throw this.#tooMuch("the frame is larger than the link carries");
    return bytes;
  }

  #fits({ length }: Uint8Array): boolean {
    return this.#outbox?.fits(length, maxChunkedBytes) ?? length <= maxChunkedBytes;
  }

  #add(frame: OutFrame): void {
    const outbox = this.#outbox;
    if (!outbox || this.#held.meets(frame.order) || outbox.holdsUp(frame)) this.#hold(frame);
    else outbox.add(frame);
  }

  #hold(frame: OutFrame): void {
    frame.after = this.#outbox?.end ?? 0;
    this.#held.add(frame);
    this.#outbox?.touch();
  }

  #drop({ call }: Push): void {
    this.#options.counters.dropped++;
    if (call !== 0n) throw new NanoError({ code: "resource_exhausted", message: "a droppable push found no room" });
  }

  #lose(push: Push): void {
    if (push.delivery === "droppable") return;
    if (!this.#gaps) {
      const gaps = new GapReport();
      this.#gaps = gaps;
      // Once a turn, however many it has lost.
      this.#options.clock.soon(() => {
        this.#gaps = undefined;
        this.keep(gaps.frame);
      });
    }
    this.#gaps.add(push);
  }

  #tooMuch(message: string): NanoError {
    this.#options.counters.refused++;
    return new NanoError({ code: "resource_exhausted", message });
  }
}

function targetText({ target }: Push): string {
  switch (target.case) {
    case "handle":
      return String(target.value);
    case "group":
      return `group ${target.value.type}\n${target.value.name}`;
    case "session":
      return `session ${target.value.session}`;
    default:
      return JSON.stringify(target.value?.users);
  }
}
