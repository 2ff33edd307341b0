import { createServer, type Server } from "node:net";
import { type Client, type ClientOptions, type ClientState, type CloseReason, createClient } from "nano-rpc/client";
import { tcp } from "nano-rpc/client/tcp";
import { encodeMessage, MessageKind } from "../../src/message/index.ts";
import { PacketType } from "../../src/packet/index.ts";
import { bytesOf, type RawPeer, rawSocketPeer, textOf } from "../support/raw-peer.ts";

/** What the fake server says to a handshake, unless a test says otherwise. */
export const welcome = { code: 200, sys: { heartbeat: 10, dict: {}, serializer: "json", nano: { v: 1, session: "s1" } } };

/** The server's end of one client, by hand. */
interface FakeConnection extends RawPeer {
  /** Takes the handshake, answers it, and takes the ack. Gives what the client said. */
  open(
    answer?: object,
  ): Promise<{ readonly sys: { readonly nano: object; readonly serializer: string }; readonly user: unknown }>;
  answer(id: number, body: Uint8Array | string): void;
  fail(id: number, body: Uint8Array | string): void;
  push(route: string, body: Uint8Array | string): void;
  kick(body?: string): void;
}

/** A TCP server that does nothing by itself. */
export interface FakeServer extends AsyncDisposable {
  readonly port: number;
  /** The next client's connection. */
  accept(): Promise<FakeConnection>;
}

/** Starts one. */
export async function startFakeServer(): Promise<FakeServer> {
  const came: FakeConnection[] = [];
  const waiting: ((connection: FakeConnection) => void)[] = [];
  const sockets = new Set<{ destroy(): void }>();
  const server: Server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    const connection = fakeConnection(rawSocketPeer(socket));
    const next = waiting.shift();
    if (next) next(connection);
    else came.push(connection);
  });
  await new Promise<void>((resolve) => server.listen({ host: "127.0.0.1", port: 0 }, resolve));
  const address = server.address();
  return {
    port: typeof address === "object" && address ? address.port : 0,
    async accept() {
      return came.shift() ?? new Promise((resolve) => waiting.push(resolve));
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function fakeConnection(peer: RawPeer): FakeConnection {
  const data = (kind: MessageKind, id: number, route: string, body: Uint8Array | string, error = false): void =>
    peer.sendPacket(PacketType.data, encodeMessage({ kind, id, route, code: -1, compressed: false, error }, bytesOf(body)));

  async function take(type: PacketType): Promise<string> {
    const packet = await peer.packet();
    if (packet.type !== type) throw new Error(`a packet of type ${packet.type}, not ${type}`);
    return textOf(packet.body);
  }

  return {
    ...peer,
    async open(answer = welcome) {
      const said = JSON.parse(await take(PacketType.handshake));
      peer.sendPacket(PacketType.handshake, JSON.stringify(answer));
      await take(PacketType.handshakeAck);
      return said;
    },
    answer: (id, body) => data(MessageKind.response, id, "", body),
    fail: (id, body) => data(MessageKind.response, id, "", body, true),
    push: (route, body) => data(MessageKind.push, 0, route, body),
    kick: (body) => peer.sendPacket(PacketType.kick, body),
  };
}

/** A client, and the server's end of it. */
export interface Pair extends AsyncDisposable {
  readonly client: Client;
  readonly server: FakeConnection;
  readonly fake: FakeServer;
  /** Every state after `open`, as far as it came. */
  readonly states: readonly ClientState[];
  /** Resolves with the reason when the client is closed. */
  closed(): Promise<CloseReason>;
}

/** A client that is open, speaking JSON; it does not come back by itself, unless the options say so. */
export async function openPair(options: Omit<ClientOptions, "transport"> & { readonly answer?: object } = {}): Promise<Pair> {
  const { answer, ...rest } = options;
  const fake = await startFakeServer();
  const client = createClient({
    encoding: "json",
    reconnect: false,
    ...rest,
    transport: tcp({ host: "127.0.0.1", port: fake.port }),
  });
  const connecting = client.connect();
  const server = await fake.accept();
  await server.open(answer);
  await connecting;
  const states: ClientState[] = [];
  client.onState((state) => states.push(state));
  return {
    client,
    server,
    fake,
    states,
    closed: () => closeOf(client),
    async [Symbol.asyncDispose]() {
      await client.close();
      await fake[Symbol.asyncDispose]();
    },
  };
}

/** Resolves with the reason when a client is closed; rejects when it is not within 5 s. */
export function closeOf(client: Client): Promise<CloseReason> {
  return new Promise((resolve, reject) => {
    const { state } = client;
    if (state.name === "closed") return resolve(state.reason);
    const timer = setTimeout(() => reject(new Error("not closed within 5 s")), 5_000);
    const off = client.onState((next) => {
      if (next.name !== "closed") return;
      off();
      clearTimeout(timer);
      resolve(next.reason);
    });
  });
}
