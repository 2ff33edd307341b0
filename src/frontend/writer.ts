import type { AcceptedSocket, Framing } from "../acceptor/index.ts";
import { ByteWriter } from "../contract/index.ts";
import { answerHeadBytes, type MessageHeader, writeAnswerHead, writeMessageHeader } from "../message/index.ts";
import type { FrontendCounters } from "../metrics/index.ts";
import { PacketType, packetHeaderBytes, writePacketHeader } from "../packet/index.ts";
import { Slab } from "./slab.ts";

/** What the writers of all connections use in turn. */
export interface Desk {
  readonly slab: Slab;
  readonly head: ByteWriter;
  /** Whose packets lie on it while others may come by: who wants to lay some has them written first. */
  holder: PacketWriter | undefined;
}

/** Nothing lies on it. */
export function createDesk(): Desk {
  return { slab: new Slab(), head: new ByteWriter(512), holder: undefined };
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

  /** Whether no other one has left something there. */
  get free(): boolean {
    const { holder } = this.#desk;
    return holder === undefined || holder === this;
  }

  /** Whether it has left something there. */
  get holds(): boolean {
    return this.#desk.holder === this;
  }

  /** What the transport wants before each packet. */
  get framing(): Framing | undefined {
    return this.#socket.framing;
  }

  packet(type: PacketType, body: Uint8Array = empty): void {
    const at = this.#begin(type, body.length);
    this.#desk.slab.buffer.set(body, at);
  }

  /** Lays an answer, and leaves it until `flush`: what it was answered with is all that lies in a writer. */
  answer(id: number, body: ByteWriter): void {
    this.#counters.messagesSent++;
    const headBytes = answerHeadBytes(id);
    const bodyBytes = body.length;
    const at = this.#begin(PacketType.data, headBytes + bodyBytes);
    this.#desk.holder = this;
    const { buffer } = this.#desk.slab;
    const bodyAt = writeAnswerHead(buffer, at, id);
    const from = body.buffer;
    // Of a few bytes a loop is faster than a view.
    if (bodyBytes <= fewBytes) for (let byte = 0; byte < bodyBytes; byte++) buffer[bodyAt + byte] = from[byte] ?? 0;
    else buffer.set(body.view(0, bodyBytes), bodyAt);
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
    this.own();
    this.#counters.messagesSent++;
    this.#desk.slab.add(frame);
  }

  /** What was laid behind a length of before, to be laid again. */
  since(length: number): Uint8Array {
    return this.#desk.slab.since(length);
  }

  /** Has what another one left written: what lies there from now on is this one's. */
  own(): void {
    const { holder } = this.#desk;
    if (holder && holder !== this) holder.flush();
  }

  /** Forgets what was laid and not yet written. */
  drop(): void {
    if (this.#desk.holder !== this) return;
    this.#desk.holder = undefined;
    this.#desk.slab.take();
  }

  /** One write for all that was laid. False when the socket is full. */
  flush(): boolean {
    const { holder } = this.#desk;
    if (holder && holder !== this) return true;
    this.#desk.holder = undefined;
    if (this.length === 0) return true;
    const bytes = this.#desk.slab.take();
    this.#written += bytes.length;
    this.#counters.bytesSent += bytes.length;
    return this.#socket.write(bytes);
  }

  #begin(type: PacketType, bodyBytes: number): number {
    this.own();
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

const fewBytes = 64;
