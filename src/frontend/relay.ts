import type { AcceptedSocket } from "../acceptor/index.ts";
import type { CloseReason } from "../error/index.ts";
import {
  exactPacket,
  maxPacketBodyBytes,
  PacketDecoder,
  PacketType,
  packetHeaderBytes,
  writePacketHeader,
} from "../packet/index.ts";
import type { MovingSession } from "./move.ts";
import type { RelayEnd, RelayPart, RelayWindow } from "./relay-window.ts";
import type { PacketWriter } from "./writer.ts";

/** The client of a relay. */
export interface RelayedClient {
  readonly socket: AcceptedSocket;
  readonly packets: PacketWriter;
  /** The body of its handshake. */
  readonly handshake: Uint8Array;
  /** Closes it: at once, or when all is written. */
  over(reason: CloseReason, cut: boolean): void;
}

const gone: CloseReason = { kind: "lost", message: "the session's frontend has closed the connection" };
const leaving: CloseReason = { kind: "draining", message: "the server stops" };

// As a connection of one's own: above this much in the socket the rest is better where it can be counted and give way.
const socketHighWaterBytes = 64 * 1_024;

/** The end of a relay that has the client's socket: hands bytes on both ways. */
export class Relay implements RelayEnd, MovingSession {
  readonly #window: RelayWindow;
  readonly #decoder = new PacketDecoder({ maxPacketBytes: maxPacketBodyBytes + packetHeaderBytes });
  #client: RelayedClient | undefined;
  // What came before the client was ready to hear it: one that is turned away is so at once.
  #early: RelayPart[] = [];

  constructor(window: RelayWindow) {
    this.#window = window;
  }

  /** The other frontend takes the client: it hears first what the client has said first. */
  begin(client: RelayedClient): void {
    this.#client = client;
    const { handshake } = client;
    const packet = new Uint8Array(packetHeaderBytes + handshake.length);
    writePacketHeader(packet, 0, PacketType.handshake, handshake.length);
    packet.set(handshake, packetHeaderBytes);
    this.#send(packet);
    for (const part of this.#early.splice(0)) this.take(part);
  }

  /** The client said something. */
  data(bytes: Uint8Array): void {
    try {
      // There nobody sees any more what was one message.
      if (this.#client?.socket.framing) exactPacket(bytes);
    } catch {
      return this.#over(gone, true);
    }
    this.#send(bytes);
  }

  /** The client has taken all that was written. */
  drained(): void {
    this.#window.tell();
  }

  /** The client's socket is closed, or never was the other's. */
  close(): void {
    this.#client = undefined;
    this.#window.over(true);
  }

  take(part: RelayPart): void {
    const { bytes, over, cut } = part;
    const client = this.#client;
    if (!client) return void this.#early.push(part);
    try {
      this.#decoder.push(bytes, (type, buffer, from, to) => {
        client.packets.packet(type, buffer.subarray(from, to));
        return true;
      });
    } catch {
      return this.#over(gone, true);
    }
    client.packets.flush();
    if (over) this.#over(gone, cut);
    // One that reads slowly holds up its own only.
    else if (client.socket.queuedBytes < socketHighWaterBytes) this.#window.tell();
  }

  broken(): void {
    this.#over(gone, true);
  }

  /** The own server stops: the client comes back by another. */
  endWhenAnswered(): void {
    this.#over(leaving, true);
  }

  async end(): Promise<void> {
    this.#over(leaving, true);
  }

  #send(bytes: Uint8Array): void {
    if (!this.#window.send(bytes)) this.#over(gone, true);
  }

  #over(reason: CloseReason, cut: boolean): void {
    const client = this.#client;
    this.close();
    client?.over(reason, cut);
  }
}
