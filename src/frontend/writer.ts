import type { AcceptedSocket } from "../acceptor/index.ts";
import { ByteWriter } from "../contract/index.ts";
import { type MessageHeader, writeMessageHeader } from "../message/index.ts";
import { PacketType, packetHeaderBytes, writePacketHeader } from "../packet/index.ts";

/** Where packets are laid before they are written. One serves all connections: each fills it and writes it within one call. */
export interface Slab {
  readonly packets: ByteWriter;
  readonly head: ByteWriter;
}

/** An empty slab. */
export function createSlab(): Slab {
  return { packets: new ByteWriter(256 * 1_024), head: new ByteWriter(512) };
}

const empty = new Uint8Array(0);

/** Lays packets for one socket behind each other, with what its transport wants before each. */
export class PacketWriter {
  readonly #socket: AcceptedSocket;
  readonly #packets: ByteWriter;
  readonly #head: ByteWriter;
  #written = 0;

  constructor(socket: AcceptedSocket, slab: Slab) {
    this.#socket = socket;
    this.#packets = slab.packets;
    this.#head = slab.head;
  }

  /** Bytes written, ever. */
  get written(): number {
    return this.#written;
  }

  /** Bytes laid and not yet written. */
  get length(): number {
    return this.#packets.length;
  }

  packet(type: PacketType, body: Uint8Array = empty): void {
    const at = this.#begin(type, body.length);
    this.#packets.buffer.set(body, at);
  }

  message(header: MessageHeader, body: Uint8Array): void {
    this.#head.truncate(0);
    writeMessageHeader(this.#head, header);
    const head = this.#head.buffer;
    const headBytes = this.#head.length;
    const at = this.#begin(PacketType.data, headBytes + body.length);
    const { buffer } = this.#packets;
    // A few bytes: a loop is faster than a view of them.
    for (let byte = 0; byte < headBytes; byte++) buffer[at + byte] = head[byte] ?? 0;
    buffer.set(body, at + headBytes);
  }

  /** One write for all that was laid. False when the socket is full. */
  flush(): boolean {
    if (this.#packets.length === 0) return true;
    const bytes = this.#packets.slice(0, this.#packets.length);
    this.#packets.truncate(0);
    this.#written += bytes.length;
    return this.#socket.write(bytes);
  }

  #begin(type: PacketType, bodyBytes: number): number {
    const { framing } = this.#socket;
    const packetBytes = packetHeaderBytes + bodyBytes;
    if (framing) {
      const before = framing.headerBytes(packetBytes);
      const at = this.#packets.reserve(before);
      framing.writeHeader(this.#packets.buffer, at, packetBytes);
    }
    const at = this.#packets.reserve(packetBytes);
    writePacketHeader(this.#packets.buffer, at, type, bodyBytes);
    return at + packetHeaderBytes;
  }
}
