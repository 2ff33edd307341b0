import type { Socket } from "node:net";
import { type DecodedMessage, decodeMessage } from "../../src/message/index.ts";
import { encodePacket, PacketDecoder, PacketType } from "../../src/packet/index.ts";

/** One packet, as it came. */
export interface RawPacket {
  readonly type: PacketType;
  readonly body: Uint8Array;
}

/** One message of a Data packet. */
type RawMessage = Omit<DecodedMessage, "bodyFrom" | "bodyTo"> & { readonly body: Uint8Array; readonly text: string };

/** One end of a connection, on raw bytes. */
export interface RawPeer {
  /** Sends bytes as they are: one write, or one WebSocket message. */
  send(bytes: Uint8Array): void;
  /** Sends one packet. */
  sendPacket(type: number, body?: Uint8Array | string): void;
  /** The next packet. Rejects when the connection closes first, or the time is up. */
  packet(timeoutMs?: number): Promise<RawPacket>;
  /** The next message, past heartbeats. */
  message(timeoutMs?: number): Promise<RawMessage>;
  /** Resolves when the other end has closed, with what it said before that was not taken. */
  closed(timeoutMs?: number): Promise<readonly RawPacket[]>;
  close(): void;
}

/** What a peer sends by. */
export interface RawPipe {
  send(bytes: Uint8Array): void;
  close(): void;
}

/** Packets that came and were not taken. */
export interface Inbox {
  add(packet: RawPacket): void;
  /** Fails whoever waits for the end. */
  fail(reason: unknown): void;
  end(): void;
  next(): Promise<RawPacket>;
  rest(): Promise<readonly RawPacket[]>;
}

const timeLimitMs = 5_000;

/** A peer over any pipe, that reads what its inbox is given. */
export function rawPeer(pipe: RawPipe, inbox: Inbox): RawPeer {
  const packet = (timeoutMs = timeLimitMs): Promise<RawPacket> => within(inbox.next(), timeoutMs, "packet");
  return {
    send: (bytes) => pipe.send(bytes),
    sendPacket(type, body = "") {
      const bytes = encodePacket(PacketType.data, bytesOf(body));
      bytes[0] = type;
      pipe.send(bytes);
    },
    packet,
    async message(timeoutMs) {
      let next = await packet(timeoutMs);
      while (next.type === PacketType.heartbeat) next = await packet(timeoutMs);
      if (next.type !== PacketType.data) throw new Error(`a packet of type ${next.type}: ${textOf(next.body)}`);
      const { bodyFrom, bodyTo, ...rest } = decodeMessage(next.body, 0, next.body.length);
      const body = next.body.subarray(bodyFrom, bodyTo);
      return { ...rest, body, text: textOf(body) };
    },
    closed: (timeoutMs = timeLimitMs) => within(inbox.rest(), timeoutMs, "close"),
    close: () => pipe.close(),
  };
}

/** A peer over a TCP socket. */
export function rawSocketPeer(socket: Socket): RawPeer {
  const inbox = createInbox();
  const decoder = new PacketDecoder({ maxPacketBytes: 0x100_0003 });
  socket.on("data", (bytes) => {
    try {
      decoder.push(bytes, (type, buffer, from, to) => {
        inbox.add({ type, body: Uint8Array.from(buffer.subarray(from, to)) });
        return true;
      });
    } catch (reason) {
      inbox.fail(reason);
      socket.destroy();
    }
  });
  // A reset is an end like any other here.
  socket.on("error", () => {});
  socket.once("close", () => inbox.end());
  return rawPeer({ send: (bytes) => void socket.write(bytes), close: () => void socket.destroy() }, inbox);
}

/** An empty inbox. */
export function createInbox(): Inbox {
  const packets: RawPacket[] = [];
  const over = Promise.withResolvers<void>();
  over.promise.catch(() => {});
  let came = Promise.withResolvers<void>();
  return {
    add(packet) {
      packets.push(packet);
      came.resolve();
      came = Promise.withResolvers();
    },
    fail: over.reject,
    end: over.resolve,
    async next() {
      for (;;) {
        const first = packets.shift();
        if (first) return first;
        const ended = await Promise.race([came.promise, over.promise.then(() => "ended")]);
        if (ended && packets.length === 0) throw new Error("the other end closed the connection");
      }
    },
    async rest() {
      await over.promise;
      return packets.splice(0);
    },
  };
}

/** The bytes of a text. */
export function bytesOf(body: Uint8Array | string): Uint8Array {
  return typeof body === "string" ? new TextEncoder().encode(body) : body;
}

/** The text of bytes. */
export function textOf(body: Uint8Array): string {
  return new TextDecoder().decode(body);
}

function within<T>(promise: Promise<T>, timeoutMs: number, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${what} within ${timeoutMs} ms`)), timeoutMs);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
