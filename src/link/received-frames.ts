const ackEvery = 64;
const ackEveryBytes = 128 * 1_024;

/** How far the data frames of the peer were read, and how much of that it has been told. */
export class ReceivedFrames {
  #number = 0;
  // What a stream before this one brought.
  #before = 0;
  #told = 0;
  #untoldBytes = 0;

  /** A stream begins: what was told on the last one may be lost, and what came on it may come again. */
  resume(): void {
    this.#before = this.#number;
    this.#told = 0;
  }

  /** A data frame came; false where it has come before. */
  take(number: number, bytes: number): boolean {
    this.#untoldBytes += bytes;
    if (number <= this.#before) return false;
    this.#number = number;
    return true;
  }

  /** Whether the peer does not know all. */
  get untold(): boolean {
    return this.#number !== this.#told;
  }

  /** Whether it should be told before anything else happens to carry it. */
  get due(): boolean {
    return this.#number - this.#told >= ackEvery || this.#untoldBytes >= ackEveryBytes;
  }

  /** The acknowledgement that goes out now; 0 where it would say nothing. */
  tell(): number {
    const ack = this.untold ? this.#number : 0;
    this.#told = this.#number;
    this.#untoldBytes = 0;
    return ack;
  }
}
