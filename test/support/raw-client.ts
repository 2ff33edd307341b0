import { connect as connectTcp } from "node:net";
import { WebSocket } from "ws";
import { type DecodedMessage, decodeMessage, encodeMessage, MessageKind } from "../../src/message/index.ts";
import { encodePacket, exactPacket, PacketDecoder, PacketType, packetHeaderBytes } from "../../src/packet/index.ts";

/** One packet, as it came. */
export interface RawPacket {
  readonly type: PacketType;
  readonly body: Uint8Array;
}

/** One message of a Data packet. */
export type RawMessage = Omit<DecodedMessage, "bodyFrom" | "bodyTo"> & { readonly body: Uint8Array; readonly text: string };

/** A client on raw bytes: it does only what it is told, as old clients do, or as nobody should. */
export interface RawClient {
  /** Sends bytes as they are: one write, or one WebSocket message. */
  send(bytes: Uint8Array): void;
  /** Sends one packet. */
  sendPacket(type: number, body?: Uint8Array | string): void;
  /** Sends a handshake, and gives the server's answer read as JSON. */
  handshake(json?: unknown): Promise<unknown>;
  ack(): void;
  /** Handshake and ack; the server counts the session as open once the next message was answered. */
  open(json?: unknown): Promise<void>;
  request(id: number, route: string, body?: Uint8Array | string): void;
  notify(route: string, body?: Uint8Array | string): void;
  /** The next packet. Rejects when the connection closes first, or the time is up. */
  packet(timeoutMs?: number): Promise<RawPacket>;
  /** The next message, past heartbeats. */
  message(timeoutMs?: number): Promise<RawMessage>;
  /** Resolves when the server has closed, with what it said before that was not taken. */
  closed(timeoutMs?: number): Promise<readonly RawPacket[]>;
  close(): void;
}

interface Socket {
  send(bytes: Uint8Array): void;
  close(): void;
}

const timeLimitMs = 5_000;

/** Connects by TCP. */
export function rawTcp(port: number): Promise<RawClient> {
  const inbox = createInbox();
  const decoder = new PacketDecoder({ maxPacketBytes: 0x100_0003 });
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host: "127.0.0.1", port, noDelay: true });
    socket.once("connect", () =>
      resolve(rawClient({ send: (bytes) => void socket.write(bytes), close: () => void socket.destroy() }, inbox)),
    );
    socket.on("data", (bytes) =>
      decoder.push(bytes, (type, buffer, from, to) => {
        inbox.add({ type, body: Uint8Array.from(buffer.subarray(from, to)) });
        return true;
      }),
    );
    socket.on("error", reject);
    socket.once("close", () => inbox.end());
  });
}

/** Connects by WebSocket. A message that is not exactly one binary packet fails whoever waits. */
export function rawWebSocket(port: number): Promise<RawClient> {
  const inbox = createInbox();
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}`);
    socket.once("open", () =>
      resolve(rawClient({ send: (bytes) => socket.send(bytes), close: () => socket.terminate() }, inbox)),
    );
    socket.on("message", (data, isBinary) => {
      const bytes = Uint8Array.from(data as Buffer);
      try {
        if (!isBinary) throw new Error("a text message");
        inbox.add({ type: exactPacket(bytes), body: bytes.subarray(packetHeaderBytes) });
      } catch (reason) {
        inbox.fail(reason);
      }
    });
    socket.on("error", reject);
    socket.once("close", () => inbox.end());
  });
}

function rawClient(socket: Socket, inbox: Inbox): RawClient {
  const client: RawClient = {
    send: (bytes) => socket.send(bytes),
    sendPacket: (type, body = "") => {
      const packet = encodePacket(PacketType.data, bytesOf(body));
      packet[0] = type;
      socket.send(packet);
    },
    async handshake(json = { sys: { type: "js-websocket", version: "0.0.1" } }) {
      client.sendPacket(PacketType.handshake, JSON.stringify(json));
      const { type, body } = await client.packet();
      if (type !== PacketType.handshake) throw new Error(`a packet of type ${type} in answer to the handshake`);
      return JSON.parse(textOf(body));
    },
    ack: () => client.sendPacket(PacketType.handshakeAck),
    async open(json) {
      await client.handshake(json);
      client.ack();
    },
    request: (id, route, body) => client.sendPacket(PacketType.data, message(MessageKind.request, id, route, body)),
    notify: (route, body) => client.sendPacket(PacketType.data, message(MessageKind.notify, 0, route, body)),
    packet: (timeoutMs = timeLimitMs) => within(inbox.next(), timeoutMs, "packet"),
    async message(timeoutMs = timeLimitMs) {
      let packet = await client.packet(timeoutMs);
      while (packet.type === PacketType.heartbeat) packet = await client.packet(timeoutMs);
      if (packet.type !== PacketType.data) throw new Error(`a packet of type ${packet.type}: ${textOf(packet.body)}`);
      const { bodyFrom, bodyTo, ...rest } = decodeMessage(packet.body, 0, packet.body.length);
      const body = packet.body.subarray(bodyFrom, bodyTo);
      return { ...rest, body, text: textOf(body) };
    },
    closed: (timeoutMs = timeLimitMs) => within(inbox.rest(), timeoutMs, "close"),
    close: () => socket.close(),
  };
  return client;
}

interface Inbox {
  add(packet: RawPacket): void;
  fail(reason: unknown): void;
  end(): void;
  next(): Promise<RawPacket>;
  rest(): Promise<readonly RawPacket[]>;
}

function createInbox(): Inbox {
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
        if (ended && packets.length === 0) throw new Error("the server closed the connection");
      }
    },
    async rest() {
      await over.promise;
      return packets.splice(0);
    },
  };
}

function message(kind: MessageKind, id: number, route: string, body: Uint8Array | string = "{}"): Uint8Array {
  return encodeMessage({ kind, id, route, code: -1, compressed: false, error: false }, bytesOf(body));
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
