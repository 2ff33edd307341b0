import { envelopeHeaderBytes, maxEnvelopeBytes, writeEnvelopeHeader } from "./envelope.ts";
import { ackTag, framesTag, loadTag, numberTag, type Rider } from "./frame.ts";
import { hotFrameBytes, writeHot } from "./hot-encode.ts";
import type { FrameBody } from "./link.ts";
import { numberField, varintBytes, writeHead, writeNumber, writeVarint } from "./wire-writer.ts";

/** What may stand around a frame's body in an envelope. */
const mostAround = 48;

/** The largest frame that goes in one piece. */
export const maxWholeBytes = maxEnvelopeBytes - mostAround;

// Room for so many batches as the last one, so that what is left of it seldom has to be moved; but little where little is said.
const ahead = 8;
const leastRoom = 512;
const mostRoom = 64 * 1_024;

/** Frames laid one behind the other, in envelopes, to leave in one write. */
export class Batch {
  #bytes: Uint8Array = Buffer.alloc(0);
  #from = 0;
  #at = 0;
  #frames = 0;
  #envelopeAt = 0;
  // Where the last frame says how long it is.
  #lengthAt = 0;
  #lastBytes = 0;

  get frames(): number {
    return this.#frames;
  }

  get length(): number {
    return this.#at - this.#from;
  }

  /** Lays a frame whose body is there already. @param number 0 where it is no data frame. */
  add(body: Uint8Array, number: number): void {
    const at = this.#begin(body.length, number);
    this.#bytes.set(body, at);
    this.#at = at + body.length;
  }

  /** Lays a frame whose body is often sent. @param length As `hotLength` gave it. */
  addHot(body: FrameBody, length: number, number: number): void {
    const at = this.#begin(hotFrameBytes(length), number);
    this.#at = writeHot(this.#bytes, at, body, length);
  }

  /** Gives all that was laid, and is empty. @param rider What the last frame says beside: whoever reads it has read the others. */
  take(rider: Rider): Uint8Array {
    this.#ride(rider);
    this.#seal();
    const { buffer, byteOffset } = this.#bytes;
    const bytes = new Uint8Array(buffer, byteOffset + this.#from, this.length);
    this.#from = this.#at;
    this.#frames = 0;
    return bytes;
  }

  /** Makes room for a frame, and gives where its body begins. */
  #begin(bodyBytes: number, number: number): number {
    const bytes = numberField(number) + bodyBytes;
    const whole = bytes + mostAround;
    if (this.#at + whole > this.#bytes.length) this.#room(whole);
    if (this.#frames === 0 || this.#at - this.#envelopeAt - envelopeHeaderBytes + whole > maxEnvelopeBytes) this.#envelope();
    this.#frames++;
    this.#lengthAt = this.#at + 1;
    this.#lastBytes = bytes;
    const at = writeHead(this.#bytes, this.#at, framesTag, bytes);
    return writeNumber(this.#bytes, at, numberTag, number);
  }

  #ride({ ack, load }: Rider): void {
    const bytes = this.#lastBytes + numberField(ack) + numberField(load);
    const bodyAt = this.#lengthAt + varintBytes(this.#lastBytes);
    const movedAt = this.#lengthAt + varintBytes(bytes);
    if (movedAt > bodyAt) {
      this.#bytes.copyWithin(movedAt, bodyAt, this.#at);
      this.#at += movedAt - bodyAt;
    }
    writeVarint(this.#bytes, this.#lengthAt, bytes);
    this.#at = writeNumber(this.#bytes, writeNumber(this.#bytes, this.#at, ackTag, ack), loadTag, load);
  }

  #envelope(): void {
    if (this.#frames > 0) this.#seal();
    this.#envelopeAt = this.#at;
    this.#at += envelopeHeaderBytes;
  }

  #seal(): void {
    writeEnvelopeHeader(this.#bytes, this.#envelopeAt, 0, this.#at - this.#envelopeAt - envelopeHeaderBytes);
  }

  /** What was taken is being written, and stays where it is: what was not goes on in another place. */
  #room(more: number): void {
    const { length } = this;
    const needed = length + more;
    const bytes = Buffer.allocUnsafe(Math.max(needed * 2, Math.min(mostRoom, Math.max(leastRoom, needed * ahead))));
    bytes.set(this.#bytes.subarray(this.#from, this.#at));
    this.#bytes = bytes;
    this.#at = length;
    this.#envelopeAt -= this.#from;
    this.#lengthAt -= this.#from;
    this.#from = 0;
  }
}
