import type { AcceptedSocket, SocketEvents } from "../acceptor/index.ts";
import { encodePacket, exactPacket, PacketType, packetHeaderBytes } from "../packet/index.ts";

/** What a client of a test hears. */
export interface DialEvents {
  /** Bytes of packets, in whatever pieces; what the transport lays around them is taken off. */
  data(bytes: Uint8Array): void;
  /** Once, whatever the cause. */
  closed(): void;
}

/** A client of a test: it speaks the transport, and its packets are bytes. */
export interface DialedClient {
  /** Sends one packet, in the transport's way. */
  send(packet: Uint8Array): void;
  close(): void;
}

/** Connects to the address that an acceptor's `start` gave. Rejects, or hears that it is closed, where nobody takes it. */
export type Dial = (address: string, events: DialEvents) => Promise<DialedClient>;

/** All that came of one end of a connection. */
export class Heard {
  #pieces: Uint8Array[] = [];
  byteCount = 0;
  closes = 0;

  data(bytes: Uint8Array): void {
    // The buffer may be used again.
    this.#pieces.push(bytes.slice());
    this.byteCount += bytes.length;
  }

  /** Whether just these bytes came since the last `take`. */
  holds(expected: Uint8Array): boolean {
    return this.byteCount === expected.length && Buffer.concat(this.#pieces).equals(expected);
  }

  /** Whether just these bytes came, and forgets them. */
  take(expected: Uint8Array): boolean {
    const held = this.holds(expected);
    this.#pieces = [];
    this.byteCount = 0;
    return held;
  }
}

/** The frontend's end of a connection: keeps what the acceptor does with it, and what it must not. */
export class CheckedSocket extends Heard {
  readonly socket: AcceptedSocket;
  readonly events: SocketEvents;
  drains = 0;

  constructor(socket: AcceptedSocket, breach: (what: string) => void) {
    super();
    this.socket = socket;
    const live = (what: string): void => {
      if (this.closes > 0) breach(`${what} was called after closed`);
    };
    this.events = {
      data: (bytes) => {
        live("data");
        if (socket.framing && !isPacket(bytes)) breach("data of a framed socket did not bring exactly one packet");
        this.data(bytes);
      },
      drain: () => {
        live("drain");
        this.drains++;
      },
      closed: () => {
        live("closed");
        this.closes++;
      },
    };
  }

  /** Writes packets as the frontend does: all in one, each behind what the transport wants before it. */
  write(...packets: readonly Uint8Array[]): boolean {
    const { framing } = this.socket;
    const heads = packets.map(({ length }) => framing?.headerBytes(length) ?? 0);
    const all = new Uint8Array(packets.reduce((sum, { length }, index) => sum + length + (heads[index] ?? 0), 0));
    let at = 0;
    for (const [index, packet] of packets.entries()) {
      framing?.writeHeader(all, at, packet.length);
      at += heads[index] ?? 0;
      all.set(packet, at);
      at += packet.length;
    }
    return this.socket.write(all);
  }
}

function isPacket(bytes: Uint8Array): boolean {
  try {
    exactPacket(bytes);
    return true;
  } catch {
    return false;
  }
}

/** A packet of so many bytes of body, which differ. */
export function packetOf(bodyBytes: number): Uint8Array {
  const packet = encodePacket(PacketType.data, new Uint8Array(bodyBytes));
  for (let at = packetHeaderBytes; at < packet.length; at++) packet[at] = at * 31 + bodyBytes;
  return packet;
}

/** One after the other. */
export function joined(packets: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(packets));
}
