import type { Clock } from "../clock/index.ts";
import type { ByteStream } from "../net/index.ts";
import { Batch, maxWholeBytes } from "./batch.ts";
import { chunkBytes, maxChunkedFrames, Slicer } from "./chunks.ts";
import { maxEnvelopeBytes } from "./envelope.ts";
import type { OutFrame, Rider } from "./frame.ts";
import type { FrameBody } from "./link.ts";
import { type Order, ordersMeet } from "./order.ts";

/** What an outbox asks of the link that it sends for. */
export interface OutboxOwner {
  /** What the next batch says beside. */
  rider(): Rider;
  /** Gives what was held and may leave now, some bytes of it. */
  pull(bytes: number, take: (frame: OutFrame) => void): void;
  /** The number that a frame is written with. */
  number(frame: OutFrame): number;
  wrote(frames: number, bytes: number): void;
}

/** Nothing waits for it, and its frames have no numbers: as long as two servers greet each other. */
const noOwner: OutboxOwner = {
  rider: () => ({ ack: 0, load: 0 }),
  pull: () => {},
  number: () => 0,
  wrote: () => {},
};

// More than this is not given to the system at once: what comes first then still can.
const mostQueuedBytes = 256 * 1_024;
const batchBytes = maxEnvelopeBytes - 1_024;
// What a turn may lay at once, and so before what comes first.
const mostLaidBytes = 64 * 1_024;
// So many leave within the turn: the peer works on them while the next are made. A turn that is like the last is written in four parts, if each has so many frames.
// What is kept waits for the turn's end: what a broken stream has lost is added first, and what was held behind it may not leave between.
const leastPartFrames = 32;
const partsOfTurn = 4;

/** A piece of a frame, or the frame itself where it goes in one. */
interface Ready {
  readonly bytes: Uint8Array;
  /** 0 where it is no data frame, or not its last piece. */
  readonly number: number;
}

/** Frames on their way to the stream: one write for all that a turn has sent, in its order, or some where it is much; of large ones some pieces in each. */
export class Outbox {
  owner: OutboxOwner = noOwner;
  /** Whether the peer takes chunks. */
  chunks = false;
  readonly #clock: Clock;
  readonly #stream: ByteStream;
  // What leaves next, laid already.
  readonly #batch = new Batch();
  #first: Uint8Array[] = [];
  #queue: (OutFrame | Ready)[] = [];
  #head = 0;
  /** How many frames have ever left the queue. */
  left = 0;
  #queuedBytes = 0;
  readonly #slicers: Slicer[] = [];
  #streams = 0n;
  #alone = false;
  #flushing = false;
  #turnFrames = 0;
  #partFrames = leastPartFrames;
  #last: Uint8Array | undefined;

  constructor(clock: Clock, stream: ByteStream) {
    this.#clock = clock;
    this.#stream = stream;
  }

  /** Bytes that the system has not taken yet. */
  get waitingBytes(): number {
    return this.#queuedBytes + this.#batch.length + this.#stream.queuedBytes;
  }

  /** Whether the system takes no more for now. */
  get full(): boolean {
    return this.#stream.queuedBytes >= mostQueuedBytes;
  }

  /** What `left` will be when all that waits now has left. */
  get end(): number {
    return this.left + this.#queue.length - this.#head;
  }

  /** The orders of what is under way in pieces. */
  get slicedOrders(): readonly Order[] {
    return this.#slicers.map(({ frame }) => frame.order);
  }

  /** Whether a frame must not leave before something that is under way in pieces, or must wait for its turn to be. */
  holdsUp(frame: OutFrame): boolean {
    if (this.#slicers.length === 0) return false;
    if (this.sliced(frame.bytes) && !this.slot) return true;
    return this.#slicers.some((slicer) => ordersMeet(slicer.frame.order, frame.order));
  }

  /** Whether another frame may begin in pieces. */
  get slot(): boolean {
    return this.#slicers.length < maxChunkedFrames;
  }

  /** Whether a frame goes in pieces. */
  sliced(bytes: Uint8Array): boolean {
    return this.chunks && bytes.length > chunkBytes;
  }

  /** The largest frame that it can send. */
  fits(bytes: number, mostSliced: number): boolean {
    return bytes <= (this.chunks ? mostSliced : maxWholeBytes);
  }

  /** Whether a frame of so many bytes can be laid for the next write at once: nothing waits before it. */
  lays(bytes: number): boolean {
    if (this.#queue.length > 0 || this.#first.length > 0 || this.#slicers.length > 0) return false;
    const { length } = this.#batch;
    return length + bytes <= mostLaidBytes && (length > 0 || !this.full);
  }

  /** Lays the frame of a body that is often sent, where `lays` says so. @param length As `hotLength` gave it. */
  lay(body: FrameBody, length: number, number: number): void {
    this.#batch.addHot(body, length, number);
    this.touch();
    if (this.#batch.frames >= this.#partFrames) this.flush();
  }

  /** Behind what is there. A large frame must have a slot. */
  add(frame: OutFrame): void {
    // What has no number and is kept is not known anywhere else, until it is written.
    if (this.lays(frame.bytes.length) && (frame.cost > 0 || !frame.kept)) {
      this.#batch.add(frame.bytes, this.owner.number(frame));
      return this.touch();
    }
    if (this.sliced(frame.bytes)) {
      // It overtakes nothing of its order that was there before; what comes after it is held up.
      frame.after ||= this.end;
      this.#slicers.push(new Slicer(frame, ++this.#streams));
    } else this.#queue.push(frame);
    this.#queuedBytes += frame.bytes.length;
    this.touch();
  }

  /** Behind what is there and before all that comes, also where it is large. */
  addInLine(frame: OutFrame): void {
    if (!this.sliced(frame.bytes)) return this.add(frame);
    const slicer = new Slicer(frame, ++this.#streams);
    while (slicer.restBytes > 0) {
      const bytes = slicer.next();
      this.#queue.push({ bytes, number: slicer.restBytes > 0 ? 0 : this.owner.number(frame) });
      this.#queuedBytes += bytes.length;
    }
    this.touch();
  }

  /** Before what waits: for what has no order. */
  addFirst(bytes: Uint8Array): void {
    if (this.#first.length === 0 && (this.#batch.length > 0 || !this.full)) this.#batch.add(bytes, 0);
    else {
      this.#first.push(bytes);
      this.#queuedBytes += bytes.length;
    }
    this.touch();
  }

  /** Behind everything. */
  addLast(bytes: Uint8Array): void {
    this.#last = bytes;
    this.touch();
  }

  /** Sends what rides on frames, at the end of the turn, if need be on one of its own. */
  ride(): void {
    this.#alone = true;
    this.touch();
  }

  /** Looks what can leave, when all input that is there has been read: what many clients have sent at once goes in one write. */
  touch(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    this.#clock.afterInput(() => {
      this.#flushing = false;
      this.flush();
      this.#partFrames = Math.max(leastPartFrames, this.#turnFrames / partsOfTurn);
      this.#turnFrames = 0;
    });
  }

  /** Writes what the system takes, now. */
  flush(all = false): void {
    while (all || !this.full) {
      this.#compose();
      const batch = this.#batch;
      if (batch.frames === 0 && this.#last) {
        batch.add(this.#last, 0);
        this.#last = undefined;
      }
      if (batch.frames === 0 && this.#alone) batch.add(nothing, 0);
      const { frames } = batch;
      if (frames === 0) return;
      this.#alone = false;
      const bytes = batch.take(this.owner.rider());
      this.#stream.write(bytes);
      this.#turnFrames += frames;
      this.owner.wrote(frames, bytes.length);
    }
  }

  /** Takes away what was not written to its end, each order in its own. */
  take(): OutFrame[] {
    const frames = [...this.#queue.slice(this.#head).filter(isWhole), ...this.#slicers.splice(0).map(({ frame }) => frame)];
    this.#queue = [];
    this.#first = [];
    this.#head = this.#queuedBytes = 0;
    return frames;
  }

  #compose(): void {
    const batch = this.#batch;
    let left = batchBytes - batch.length;
    for (const bytes of this.#first) {
      batch.add(bytes, 0);
      this.#queuedBytes -= bytes.length;
      left -= bytes.length;
    }
    this.#first = [];
    // Where much waits, what was held has three quarters of a batch, and leaves a quarter to what may overtake it.
    left -= this.#fromQueue(left - (left >> 2) * 3);
    this.owner.pull((batchBytes >> 2) * 3, (frame) => {
      if (this.sliced(frame.bytes)) return void this.add(frame);
      batch.add(frame.bytes, this.owner.number(frame));
      left -= frame.bytes.length;
    });
    for (const slicer of [...this.#slicers]) {
      if (left <= 0) break;
      if (slicer.frame.after > this.left) continue;
      const before = slicer.restBytes;
      const bytes = slicer.next();
      this.#queuedBytes -= before - slicer.restBytes;
      left -= bytes.length;
      batch.add(bytes, slicer.restBytes > 0 ? 0 : this.owner.number(slicer.frame));
      // The next turn begins with the others.
      this.#slicers.splice(this.#slicers.indexOf(slicer), 1);
      if (slicer.restBytes > 0) this.#slicers.push(slicer);
    }
    this.#fromQueue(left);
  }

  /** Gives how many bytes it has moved: at least one frame, where there is room at all. */
  #fromQueue(most: number): number {
    let moved = 0;
    while (this.#head < this.#queue.length && moved < most) {
      const frame = this.#queue[this.#head++];
      if (!frame) break;
      this.left++;
      this.#batch.add(frame.bytes, isWhole(frame) ? this.owner.number(frame) : frame.number);
      moved += frame.bytes.length;
    }
    if (this.#head > 0 && this.#head === this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
    }
    this.#queuedBytes -= moved;
    return moved;
  }
}

const nothing = new Uint8Array(0);

function isWhole(frame: OutFrame | Ready): frame is OutFrame {
  return "order" in frame;
}
