import type { AcceptedSocket, Framing } from "../acceptor/index.ts";
import { ByteWriter } from "../contract/index.ts";
import { type MessageHeader, writeMessageHeader } from "../message/index.ts";
import type { FrontendCounters } from "../metrics/index.ts";
import { PacketType, packetHeaderBytes, writePacketHeader } from "../packet/index.ts";
import { Slab } from "./slab.ts";

/** What the writers of all connections use in turn. */
export interface Desk {
  readonly slab: Slab;
  readonly head: ByteWriter;
}

/** Nothing lies on it. */
export function createDesk(): Desk {
  return { slab: new Slab(), head: new ByteWriter(512) };
}

const empty = new Uint8Array(0);

/** Lays packets for one socket behind each other, with what its transport wants before each. */
export class PacketWriter {
  readonly #socket: AcceptedSocket;
  readonly #desk: Desk;
  readonly #counters: Pick<FrontendCounters, "bytesSent" | "messagesSent">;
  #written = 0;

  /** @param counters Where it is counted what is written. */
  constructor(socket: AcceptedSocket, desk: Desk, counters: Pick<FrontendCounters, "bytesSent" | "messagesSent">) {
    this.#socket = socket;
    this.#desk = desk;
    this.#counters = counters;
  }

  /** Bytes written, ever. */
  get written(): number {
    return this.#written;
  }

  /** Bytes laid and not yet written. */
  get length(): number {
    return this.#desk.slab.length;
  }

  /** What the transport wants before each packet. */
  get framing(): Framing | undefined {
    return this.#socket.framing;
  }

  packet(type: PacketType, body: Uint8Array = empty): void {
    const at = this.#begin(type, body.length);
    this.#desk.slab.buffer.set(body, at);
  }

  message(header: MessageHeader, body: Uint8Array): void {
    this.#counters.messagesSent++;
    const { slab, head } = this.#desk;
    head.truncate(0);
    writeMessageHeader(head, header);
    const headBytes = head.length;
    const at = this.#begin(PacketType.data, headBytes + body.length);
    const { buffer } = slab;
    // A few bytes: a loop is faster than a view of them.
    for (let byte = 0; byte < headBytes; byte++) buffer[at + byte] = head.buffer[byte] ?? 0;
    buffer.set(body, at + headBytes);
  }

  /** A message as it was laid before, for a socket of the same framing. */
  again(frame: Uint8Array): void {
    this.#counters.messagesSent++;
    this.#desk.slab.add(frame);
  }

  /** What was laid behind a length of before, to be laid again. */
  since(length: number): Uint8Array {
    return this.#desk.slab.since(length);
  }

  /** One write for all that was laid. False when the socket is full. */
  flush(): boolean {
    if (this.length === 0) return true;
    const bytes = this.#desk.slab.take();
    this.#written += bytes.length;
    this.#counters.bytesSent += bytes.length;
    return this.#socket.write(bytes);
  }

  #begin(type: PacketType, bodyBytes: number): number {
    const { slab } = this.#desk;
    const { framing } = this.#socket;
    const packetBytes = packetHeaderBytes + bodyBytes;
    if (framing) {
      const before = framing.headerBytes(packetBytes);
      const at = slab.reserve(before);
      framing.writeHeader(slab.buffer, at, packetBytes);
    }
    const at = slab.reserve(packetBytes);
    writePacketHeader(slab.buffer, at, type, bodyBytes);
    return at + packetHeaderBytes;
  }
}
