import { PacketError, type PacketType, packetHeaderBytes, packetType, readPacketBodyBytes } from "./packet.ts";

/** Takes one packet: its body stands in `buffer` from `from` up to `to`, and is only true during the call. False: read no more. */
export type TakePacket = (type: PacketType, buffer: Uint8Array, from: number, to: number) => boolean;

/** Cuts a stream of bytes into packets, however they were split. Whole packets are taken where they stand; only a part of one is copied. */
export class PacketDecoder {
  /** The largest packet, its header included, in bytes. It holds from the next packet on. */
  maxPacketBytes: number;
  // A packet that has begun: its bytes so far, in a buffer of its whole length (or of a header's, until that is there).
  #partial: Uint8Array | undefined;
  #filled = 0;
  #stopped = false;

  constructor(options: { readonly maxPacketBytes: number }) {
    this.maxPacketBytes = options.maxPacketBytes;
  }

  /**
   * Reads on. Throws PacketError on the first byte of an impossible packet, without waiting for more: whoever speaks TLS or HTTP here
   * must not wait for an answer; and when an announced length is over the limit.
   */
  push(bytes: Uint8Array, take: TakePacket): void {
    let at = 0;
    while (at < bytes.length && !this.#stopped) {
      if (this.#partial) at = this.#fill(this.#partial, bytes, at, take);
      else at = this.#whole(bytes, at, take);
    }
  }

  #whole(bytes: Uint8Array, at: number, take: TakePacket): number {
    const type = packetType(bytes[at] ?? 0);
    const rest = bytes.length - at;
    if (rest < packetHeaderBytes) return this.#keep(packetHeaderBytes, bytes, at);
    const packetBytes = this.#packetBytes(bytes, at);
    if (rest < packetBytes) return this.#keep(packetBytes, bytes, at);
    this.#stopped = !take(type, bytes, at + packetHeaderBytes, at + packetBytes);
    return at + packetBytes;
  }

  #fill(partial: Uint8Array, bytes: Uint8Array, at: number, take: TakePacket): number {
    const end = Math.min(bytes.length, at + partial.length - this.#filled);
    partial.set(bytes.subarray(at, end), this.#filled);
    this.#filled += end - at;
    if (this.#filled < partial.length) return end;
    const packetBytes = this.#packetBytes(partial, 0);
    if (packetBytes > partial.length) {
      this.#partial = new Uint8Array(packetBytes);
      this.#partial.set(partial);
      return end;
    }
    // Forgotten before it is taken: whoever takes it may push again.
    this.#partial = undefined;
    this.#filled = 0;
    this.#stopped = !take(packetType(partial[0] ?? 0), partial, packetHeaderBytes, packetBytes);
    return end;
  }

  #keep(wholeBytes: number, bytes: Uint8Array, at: number): number {
    this.#partial = new Uint8Array(wholeBytes);
    this.#partial.set(bytes.subarray(at));
    this.#filled = bytes.length - at;
    return bytes.length;
  }

  #packetBytes(bytes: Uint8Array, at: number): number {
    const packetBytes = packetHeaderBytes + readPacketBodyBytes(bytes, at);
    if (packetBytes > this.maxPacketBytes) {
      throw new PacketError(`a packet of ${packetBytes} bytes: the limit is ${this.maxPacketBytes}`, true);
    }
    return packetBytes;
  }
}
