import { type Random, seededRandom } from "../../../src/clock/index.ts";

const mostChanges = 5;
const interesting = [0, 1, -1, 2, 16, 31, 32, 63, 64, 100, 127, 128, 129, 255, 256, 4_096, 32_767, 32_768, 65_535, 65_536];
const large = [2 ** 24 - 1, 2 ** 24, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 2 ** 63, 2 ** 64 - 1];

/** Makes inputs out of a corpus: the same for the same seed and number. */
export class Mutator {
  readonly #corpus: readonly Uint8Array[];
  readonly #tokens: readonly Uint8Array[];
  readonly #buffer: Uint8Array;
  #length = 0;
  #random: Random = seededRandom(0);

  /** @param maxBytes No input is longer. */
  constructor(corpus: readonly Uint8Array[], tokens: readonly Uint8Array[], maxBytes: number) {
    if (corpus.length === 0) throw new TypeError("a corpus has at least one file");
    this.#corpus = corpus;
    this.#tokens = tokens;
    this.#buffer = new Uint8Array(maxBytes);
  }

  /** The input of a number, in bytes of its own. */
  make(seed: number, index: number): Uint8Array {
    this.#random = seededRandom(Math.imul(seed ^ 0x9e37_79b9, 0x85eb_ca6b) ^ Math.imul(index + 1, 0xc2b2_ae35));
    this.#length = 0;
    this.#insert(0, this.#entry());
    // Half have one change: what is nearly right gets further.
    for (let rounds = this.#below(2) === 0 ? 1 : 2 + this.#below(mostChanges); rounds > 0; rounds--) this.#change();
    return this.#buffer.slice(0, this.#length);
  }

  #change(): void {
    const at = this.#below(this.#length + 1);
    switch (this.#below(14)) {
      case 0:
      case 1:
        if (at < this.#length) this.#buffer[at] = (this.#buffer[at] ?? 0) ^ (1 << this.#below(8));
        return;
      case 2:
        if (at < this.#length) this.#buffer[at] = this.#below(256);
        return;
      case 3:
        if (at < this.#length) this.#buffer[at] = (this.#buffer[at] ?? 0) + this.#below(33) - 16;
        return;
      case 4:
        return this.#overwrite(at, this.#integer());
      case 5:
        return this.#insert(at, this.#integer());
      case 6:
        this.#length = at;
        return;
      case 7:
        return this.#delete(at, this.#below(this.#length - at + 1));
      case 8:
        return this.#insert(this.#below(this.#length + 1), this.#piece(at));
      case 9:
        return this.#splice(at, this.#entry());
      case 10:
        return this.#insert(at, this.#token());
      case 11:
        return this.#overwrite(at, this.#token());
      case 12:
        return this.#repeat(at, this.#below(2) === 0 ? this.#token() : this.#piece(at));
      default:
        return this.#insert(at, this.#random.bytes(1 + this.#below(8)));
    }
  }

  // What follows in one begins where it stands in the other, or anywhere.
  #splice(at: number, other: Uint8Array): void {
    const from = this.#below(2) === 0 ? Math.min(at, other.length) : this.#below(other.length + 1);
    this.#length = at;
    this.#insert(at, other.subarray(from));
  }

  #repeat(at: number, piece: Uint8Array): void {
    // Long ones are rare: they cost as much as many short ones.
    const most = this.#below(4) === 0 ? 11 : 5;
    for (let times = 1 << this.#below(most); times > 0 && this.#length < this.#buffer.length; times--) this.#insert(at, piece);
  }

  #insert(at: number, bytes: Uint8Array): void {
    const end = Math.min(at + bytes.length, this.#buffer.length);
    this.#buffer.copyWithin(end, at, this.#length);
    this.#buffer.set(bytes.subarray(0, end - at), at);
    this.#length = Math.min(this.#length + end - at, this.#buffer.length);
  }

  #overwrite(at: number, bytes: Uint8Array): void {
    const end = Math.min(at + bytes.length, this.#buffer.length);
    this.#buffer.set(bytes.subarray(0, end - at), at);
    this.#length = Math.max(this.#length, end);
  }

  #delete(at: number, count: number): void {
    this.#buffer.copyWithin(at, at + count, this.#length);
    this.#length -= count;
  }

  /** A part of the input itself. */
  #piece(at: number): Uint8Array {
    return this.#buffer.slice(at, at + 1 + this.#below(Math.max(1, this.#length - at)));
  }

  #entry(): Uint8Array {
    return this.#corpus[this.#below(this.#corpus.length)] ?? new Uint8Array(0);
  }

  #token(): Uint8Array {
    return this.#tokens[this.#below(this.#tokens.length)] ?? Uint8Array.of(0);
  }

  /** A number at the edge of something, in one of the ways that numbers are written. */
  #integer(): Uint8Array {
    const edges = this.#below(4) === 0 ? large : interesting;
    const value = edges[this.#below(edges.length)] ?? 0;
    const bytes = new Uint8Array(10);
    const view = new DataView(bytes.buffer);
    const big = BigInt.asUintN(64, BigInt(value));
    const little = this.#below(2) === 0;
    switch (this.#below(6)) {
      case 0:
        return Uint8Array.of(value);
      case 1:
        view.setUint16(0, value, little);
        return bytes.subarray(0, 2);
      case 2:
        view.setUint32(0, value, little);
        // Three bytes: the length of a packet.
        return little ? bytes.subarray(0, 4) : bytes.subarray(this.#below(2), 4);
      case 3:
        view.setBigUint64(0, big, little);
        return bytes.subarray(0, 8);
      case 4:
        return new TextEncoder().encode(String(value));
      default:
        return varint(big, bytes);
    }
  }

  #below(limit: number): number {
    return Math.floor(this.#random.next() * limit);
  }
}

function varint(value: bigint, into: Uint8Array): Uint8Array {
  let rest = value;
  let at = 0;
  for (; rest > 0x7fn; rest >>= 7n) into[at++] = Number(rest & 0x7fn) | 0x80;
  into[at++] = Number(rest);
  return into.subarray(0, at);
}
