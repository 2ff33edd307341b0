import { connect } from "node:net";
import { WebSocket } from "ws";
import { encodeMessage, MessageKind } from "../../src/message/index.ts";
import { exactPacket, PacketType, packetHeaderBytes } from "../../src/packet/index.ts";
import { bytesOf, createInbox, type RawPeer, rawPeer, rawSocketPeer, textOf } from "./raw-peer.ts";

/** A client on raw bytes: it does only what it is told, as old clients do, or as nobody should. */
export interface RawClient extends RawPeer {
  /** Sends a handshake, and gives the server's answer read as JSON. */
  handshake(json?: unknown): Promise<unknown>;
  ack(): void;
  /** Handshake and ack; the server counts the session as open once the next message was answered. */
  open(json?: unknown): Promise<void>;
  request(id: number, route: string, body?: Uint8Array | string): void;
  notify(route: string, body?: Uint8Array | string): void;
}

/** Connects by TCP. */
export function rawTcp(port: number): Promise<RawClient> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    socket.once("connect", () => resolve(rawClient(rawSocketPeer(socket))));
    socket.once("error", reject);
  });
}

/** Connects by WebSocket. A message that is not exactly one binary packet fails whoever waits. */
export function rawWebSocket(port: number): Promise<RawClient> {
  const inbox = createInbox();
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}`);
    const pipe = { send: (bytes: Uint8Array) => socket.send(bytes), close: () => socket.terminate() };
    socket.once("open", () => resolve(rawClient(rawPeer(pipe, inbox))));
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

function rawClient(peer: RawPeer): RawClient {
  const client: RawClient = {
    ...peer,
    async handshake(json = { sys: { type: "js-websocket", version: "0.0.1" } }) {
      peer.sendPacket(PacketType.handshake, JSON.stringify(json));
      const { type, body } = await peer.packet();
      if (type !== PacketType.handshake) throw new Error(`a packet of type ${type} in answer to the handshake`);
      return JSON.parse(textOf(body));
    },
    ack: () => peer.sendPacket(PacketType.handshakeAck),
    async open(json) {
      await client.handshake(json);
      client.ack();
    },
    request: (id, route, body) => peer.sendPacket(PacketType.data, message(MessageKind.request, id, route, body)),
    notify: (route, body) => peer.sendPacket(PacketType.data, message(MessageKind.notify, 0, route, body)),
  };
  return client;
}

function message(kind: MessageKind, id: number, route: string, body: Uint8Array | string = "{}"): Uint8Array {
  return encodeMessage({ kind, id, route, code: -1, compressed: false, error: false }, bytesOf(body));
}
