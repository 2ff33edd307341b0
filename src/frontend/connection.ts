import type { AcceptedSocket, SocketEvents } from "../acceptor/index.ts";
import { inflateZlib } from "../compression/index.ts";
import type { CloseReason, Kick } from "../error/index.ts";
import {
  clientFamily,
  encodeHandshakeAnswer,
  encodeKick,
  type HandshakeRequest,
  parseHandshakeRequest,
} from "../handshake/index.ts";
import { type DecodedMessage, decodeMessage, MessageKind } from "../message/index.ts";
import { PacketDecoder, PacketType } from "../packet/index.ts";
import type { SessionLog } from "../session/index.ts";
import type { FrontendCounters } from "./counters.ts";
import type { ClientEncoding } from "./encoding.ts";
import type { ResolvedLimits } from "./limits.ts";
import { LogWriter, type RouteMessages } from "./log-writer.ts";
import { PacketWriter, type Slab } from "./writer.ts";

/** One message of a client, as it came. */
export interface ClientMessage {
  readonly kind: "request" | "notify";
  readonly id: number;
  readonly route: string;
  /** In the connection's encoding. Its own copy. */
  readonly body: Uint8Array;
}

/** The session behind a connection. */
export interface ConnectedSession {
  readonly id: string;
  readonly log: SessionLog;
  /** The handshake is acknowledged: messages may come and go. */
  opened(): void;
  receive(message: ClientMessage): void;
  /** The connection is gone. */
  disconnected(reason: CloseReason): void;
}

/** What came of a handshake. */
export type HandshakeOutcome =
  | { readonly ok: true; readonly session: ConnectedSession; readonly encoding: ClientEncoding }
  | { readonly ok: false; readonly code: number; readonly kick: Kick; readonly begun?: ConnectedSession };

/** What a connection asks of its frontend. */
export interface ConnectionHost {
  readonly limits: ResolvedLimits;
  readonly counters: FrontendCounters;
  readonly slab: Slab;
  readonly messages: RouteMessages;
  now(): number;
  /** Decides on a handshake. Never rejects. */
  handshake(connection: Connection, request: HandshakeRequest): Promise<HandshakeOutcome>;
  /** `connection.flush()` is called when this turn is over. */
  flushSoon(connection: Connection): void;
  closed(connection: Connection): void;
}

/** How far a connection has come. Anything out of this order closes it. */
type ConnectionState = "fresh" | "deciding" | "answered" | "working" | "closing" | "closed";

// Above this much in the socket the log keeps the rest, where it can be counted and give way.
const socketHighWaterBytes = 256 * 1_024;
const sliceBytes = 64 * 1_024;

/** One socket of a client: packets, handshake, heartbeats, encoding, and the one writer. */
export class Connection implements SocketEvents {
  readonly remoteAddress: string;
  readonly acceptedAtMs: number;
  /** Since when the client's next word is waited for, until its handshake is done: since it came, then since it was answered. */
  waitsSinceMs: number;
  lastReceivedAtMs: number;
  lastHeartbeatAtMs: number;
  /** Whether the client sent `sys.nano`. */
  nano = false;

  readonly #socket: AcceptedSocket;
  readonly #host: ConnectionHost;
  readonly #decoder: PacketDecoder;
  readonly #packets: PacketWriter;
  #state: ConnectionState = "fresh";
  #session: ConnectedSession | undefined;
  #writer: LogWriter | undefined;
  #message: DecodedMessage | undefined;

  constructor(socket: AcceptedSocket, host: ConnectionHost) {
    this.#socket = socket;
    this.#host = host;
    this.remoteAddress = socket.remoteAddress;
    this.acceptedAtMs = this.waitsSinceMs = this.lastReceivedAtMs = this.lastHeartbeatAtMs = host.now();
    this.#packets = new PacketWriter(socket, host.slab);
    this.#decoder = new PacketDecoder({ maxPacketBytes: host.limits.handshakeBytes });
  }

  get state(): ConnectionState {
    return this.#state;
  }

  data(bytes: Uint8Array): void {
    if (this.#state === "closed" || this.#state === "closing") return;
    this.lastReceivedAtMs = this.#host.now();
    try {
      this.#decoder.push(bytes, this.#packet);
    } catch (reason) {
      this.#violation(reason instanceof Error ? reason.message : String(reason));
    }
  }

  drain(): void {
    this.flush();
  }

  closed(error?: Error): void {
    if (this.#state === "closed") return;
    this.#gone({ kind: "lost", message: error ? `the connection broke: ${error.message}` : "the client closed the connection" });
  }

  /** Writes what the log holds, as much as the socket takes. */
  flush(): void {
    const log = this.#session?.log;
    if (this.#state !== "working" || !log || !this.#writer) return;
    while (this.#socket.queuedBytes < socketHighWaterBytes) {
      while (this.#packets.length < sliceBytes) {
        const entry = log.take();
        if (!entry) break;
        this.#writer.write(entry);
      }
      if (this.#packets.length === 0) return;
      this.#packets.flush();
    }
  }

  /** A heartbeat of the server: clients of the old kind send none by themselves (clients.md, rule 5). */
  heartbeat(): void {
    this.lastHeartbeatAtMs = this.#host.now();
    this.#packets.packet(PacketType.heartbeat);
    this.#packets.flush();
  }

  /** Says the last words, all that waits before them included, and closes. A client that was kicked does not come back by itself (rule 7). */
  kick(kick: Kick, reason: CloseReason): void {
    if (this.#state === "working" || this.#state === "answered") {
      if (this.#state === "working") this.#drainLog();
      this.#packets.packet(PacketType.kick, encodeKick(kick));
      this.#packets.flush();
      this.#state = "closing";
      this.#socket.end();
      this.#gone(reason);
    } else this.destroy(reason);
  }

  /** Closes at once. */
  destroy(reason: CloseReason): void {
    if (this.#state === "closed") return;
    this.#socket.destroy();
    this.#gone(reason);
  }

  readonly #packet = (type: PacketType, buffer: Uint8Array, from: number, to: number): boolean => {
    switch (type) {
      case PacketType.handshake:
        if (this.#state !== "fresh") return this.#violation("a second handshake");
        this.#state = "deciding";
        void this.#handshake(buffer.slice(from, to));
        return true;
      case PacketType.handshakeAck:
        if (this.#state !== "answered") return this.#violation("an ack without a handshake");
        this.#state = "working";
        this.#decoder.maxPacketBytes = this.#host.limits.packetBytes;
        this.#session?.opened();
        this.#host.flushSoon(this);
        return this.#open();
      case PacketType.heartbeat:
        return this.#state === "answered" || this.#state === "working" || this.#violation("a heartbeat before the handshake");
      case PacketType.data:
        if (this.#state !== "working") return this.#violation("data before the handshake was done");
        return this.#data(buffer, from, to);
      default:
        return this.#violation("clients do not kick");
    }
  };

  async #handshake(body: Uint8Array): Promise<void> {
    let request: HandshakeRequest;
    try {
      request = parseHandshakeRequest(body);
    } catch {
      this.#refuse(400, { code: "invalid_argument", reason: "the handshake cannot be read" });
      return;
    }
    this.nano = clientFamily(request) === "nano";
    const outcome = await this.#host.handshake(this, request);
    // The socket may have gone while the application decided.
    if (this.#state !== "deciding") {
      const session = outcome.ok ? outcome.session : outcome.begun;
      session?.disconnected({ kind: "lost", message: "the client left during its handshake" });
      return;
    }
    if (!outcome.ok) {
      this.#refuse(outcome.code, outcome.kick);
      outcome.begun?.disconnected({ kind: "lost", message: outcome.kick.reason });
      return;
    }
    this.#session = outcome.session;
    this.#writer = new LogWriter(this.#packets, outcome.encoding, this.#host.messages, this.#host.counters, request);
    this.#encoding = outcome.encoding;
    this.#state = "answered";
    this.waitsSinceMs = this.#host.now();
    this.#packets.packet(
      PacketType.handshake,
      encodeHandshakeAnswer({
        code: 200,
        sys: {
          heartbeat: this.#host.limits.heartbeatMs / 1_000,
          dict: {},
          serializer: outcome.encoding.name,
          ...(this.nano
            ? { nano: { v: 1, session: outcome.session.id, ticket: "", windowMs: 0, epoch: 0, received: 0, resumed: false } }
            : {}),
        },
      }),
    );
    this.#packets.flush();
  }

  #encoding: ClientEncoding | undefined;

  /** The encoding that the handshake settled. */
  get encoding(): ClientEncoding | undefined {
    return this.#encoding;
  }

  #refuse(code: number, kick: Kick): void {
    this.#host.counters.handshakesRefused++;
    const answer = { code, sys: { heartbeat: this.#host.limits.heartbeatMs / 1_000, dict: {}, serializer: "json" } };
    this.#packets.packet(PacketType.handshake, encodeHandshakeAnswer({ ...answer, message: kick.reason }));
    this.#packets.packet(PacketType.kick, encodeKick(kick));
    this.#packets.flush();
    this.#state = "closing";
    this.#socket.end();
    this.#gone({ kind: "protocol", code: kick.code, message: kick.reason });
  }

  #data(buffer: Uint8Array, from: number, to: number): boolean {
    const message = decodeMessage(buffer, from, to, this.#message);
    this.#message = message;
    this.#host.counters.messages++;
    if (message.kind !== MessageKind.request && message.kind !== MessageKind.notify) {
      return this.#violation("clients send requests and notifies only");
    }
    if (message.route === undefined) return this.#violation(`the code ${message.code} is not in the dictionary`);
    const { id, route } = message;
    const kind = message.kind === MessageKind.request ? "request" : "notify";
    // libpitaya deflates whatever gets smaller (rule 3).
    const body = message.compressed
      ? inflateZlib(buffer.subarray(message.bodyFrom, message.bodyTo), this.#host.limits.packetBytes)
      : buffer.slice(message.bodyFrom, message.bodyTo);
    this.#session?.receive({ kind, id, route, body });
    return this.#open();
  }

  #open(): boolean {
    return this.#state === "working";
  }

  #drainLog(): void {
    const log = this.#session?.log;
    for (let entry = log?.take(); entry; entry = log?.take()) this.#writer?.write(entry);
  }

  /** Always false: no more packets are read. */
  #violation(message: string): false {
    this.#host.counters.violations++;
    const reason: CloseReason = { kind: "protocol", code: "invalid_argument", message };
    if (this.#state === "working") this.kick({ code: "invalid_argument", reason: message }, reason);
    else {
      if (this.#state !== "answered") this.#host.counters.handshakesRefused++;
      this.destroy(reason);
    }
    return false;
  }

  #gone(reason: CloseReason): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#host.closed(this);
    this.#session?.disconnected(reason);
  }
}
