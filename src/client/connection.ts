import type { Clock, Timer } from "../clock/index.ts";
import { ByteWriter } from "../contract/index.ts";
import { type CloseReason, isCode, type Kick, NanoError } from "../error/index.ts";
import {
  encodeHandshakeRequest,
  encodeKick,
  type HandshakeAnswer,
  type HandshakeRequest,
  parseHandshakeAnswer,
  parseKick,
} from "../handshake/index.ts";
import { type DecodedMessage, decodeMessage, type MessageHeader, writeMessageHeader } from "../message/index.ts";
import { decodeCount, encodeCount, PacketDecoder, PacketType, packetHeaderBytes, writePacketHeader } from "../packet/index.ts";
import type { Transport, TransportSocket } from "./transport.ts";

/** What a connection is made of. */
export interface ClientConnectionOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  /** Asked when the socket is open. */
  handshake(): HandshakeRequest;
  readonly connectTimeoutMs: number;
  readonly maxPacketBytes: number;
  /** The handshake is done: messages may go from now on. What it throws, `open` rejects with. */
  opened(answer: HandshakeAnswer): void;
  /** The server has read so many messages. False where that makes no sense. */
  counted(count: number): boolean;
  /** A message of the server; its body stands in the buffer and is only true during the call. */
  message(message: DecodedMessage, buffer: Uint8Array): void;
  /** Once, after the connection was open. */
  closed(reason: CloseReason): void;
}

const lifeCheckMs = 1_000;
// The server says in its answer how often it sends a heartbeat; after so many without a byte it is gone.
const deadAfterHeartbeats = 2.5;
// How much a server may send until it is told that it came.
const ackPackets = 64;
const ackBytes = 32 * 1_024;
const nothing = new Uint8Array(0);
// Packets are written one behind the other, and leave as views: a copy of each would be a buffer of its own.
const slabBytes = 16_384;
let slab = new ByteWriter(slabBytes);

/** One socket to a server: packets, handshake, heartbeats. */
export class ClientConnection {
  readonly #options: ClientConnectionOptions;
  readonly #decoder: PacketDecoder;
  readonly #giveUp = new AbortController();
  #state: "connecting" | "answering" | "open" | "closed" = "connecting";
  #socket: TransportSocket | undefined;
  #settle: { readonly resolve: () => void; readonly reject: (reason: unknown) => void } | undefined;
  #failure: CloseReason | undefined;
  #refusal: HandshakeAnswer | undefined;
  #message: DecodedMessage | undefined;
  #received = 0;
  #packetsUntold = 0;
  #bytesUntold = 0;
  #deadMs = Number.POSITIVE_INFINITY;
  #lastReceivedAtMs: number;
  #timer: Timer | undefined;

  constructor(options: ClientConnectionOptions) {
    this.#options = options;
    this.#decoder = new PacketDecoder({ maxPacketBytes: options.maxPacketBytes });
    this.#lastReceivedAtMs = options.clock.now();
  }

  /** Why it was never open, once that is so. */
  get failure(): CloseReason | undefined {
    return this.#failure;
  }

  /** When the server that refused wants to be asked again. */
  get retryAfterMs(): number | undefined {
    return this.#refusal?.sys.nano?.retry?.afterMs;
  }

  /** How many Data packets were read. */
  get received(): number {
    return this.#received;
  }

  /** Connects and shakes hands. Rejects with a NanoError: `unavailable`, `deadline_exceeded`, or what the server refuses with. */
  open(): Promise<void> {
    const { transport, clock, connectTimeoutMs } = this.#options;
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#timer = clock.after(connectTimeoutMs, () => {
        if (this.#refusal) this.#fail("kicked", refused(this.#refusal, undefined));
        else
          this.#fail(
            "lost",
            new NanoError({ code: "deadline_exceeded", message: `not connected within ${connectTimeoutMs} ms` }),
          );
      });
      const events = { data: (bytes: Uint8Array) => this.#data(bytes), closed: (error?: Error) => this.#gone(error) };
      transport.open(events, this.#giveUp.signal).then(
        (socket) => {
          if (this.#state === "closed") return socket.close();
          this.#socket = socket;
          this.#state = "answering";
          this.#send(PacketType.handshake, encodeHandshakeRequest(this.#options.handshake()));
        },
        (reason: unknown) => this.#fail("lost", unavailable(NanoError.from(reason).message, reason)),
      );
    });
  }

  /** Sends one message. Throws MessageError on a route that has no bytes. */
  send(header: MessageHeader, body: Uint8Array): void {
    if (this.#state === "open") this.#send(PacketType.data, body, header);
  }

  /** Says goodbye, so that the session ends at once, and closes; `closed` is not told. */
  close(): void {
    if (this.#state === "open") this.#send(PacketType.kick, encodeKick({ code: "canceled", reason: "the client has left" }));
    this.#fail("left", new NanoError({ code: "canceled", message: "the client was closed" }));
  }

  /** Ends the connection: the server sent what makes no sense. */
  broken(reason: unknown): void {
    const { message } = NanoError.from(reason);
    this.#over({ kind: "protocol", code: "internal", message: `the server broke the protocol: ${message}` });
  }

  /** Ends the connection where the server has been silent for too long. */
  checkLife(): void {
    if (this.#state !== "open" || this.#options.clock.now() - this.#lastReceivedAtMs < this.#deadMs) return;
    this.#over({ kind: "lost", message: "the server fell silent" });
  }

  #data(bytes: Uint8Array): void {
    if (this.#state === "closed") return;
    this.#lastReceivedAtMs = this.#options.clock.now();
    try {
      this.#decoder.push(bytes, this.#packet);
    } catch (reason) {
      this.broken(reason);
    }
  }

  readonly #packet = (type: PacketType, buffer: Uint8Array, from: number, to: number): boolean => {
    if (type === PacketType.handshake && this.#state === "answering") this.#answered(buffer.subarray(from, to));
    else if (type === PacketType.kick) this.#kicked(parseKick(buffer.subarray(from, to)));
    // A server may send heartbeats before the handshake is done.
    else if (type === PacketType.heartbeat) this.#heartbeat(buffer, from, to);
    else if (type === PacketType.data && this.#state === "open") {
      this.#received++;
      this.#bytesUntold += to - from;
      if (++this.#packetsUntold >= ackPackets || this.#bytesUntold >= ackBytes) this.#tell();
      this.#message = decodeMessage(buffer, from, to, this.#message);
      this.#options.message(this.#message, buffer);
    } else throw new Error(`a packet of type ${type} out of order`);
    return this.#state !== "closed";
  };

  #heartbeat(buffer: Uint8Array, from: number, to: number): void {
    if (this.#state !== "open") return this.#send(PacketType.heartbeat, nothing);
    const count = to > from ? decodeCount(buffer, from, to) : 0;
    if (count === undefined || !this.#options.counted(count)) throw new Error("a heartbeat with a count that makes no sense");
    this.#tell();
  }

  /** Says what was read. */
  #tell(): void {
    this.#packetsUntold = this.#bytesUntold = 0;
    this.#send(PacketType.heartbeat, encodeCount(this.#received));
  }

  #answered(body: Uint8Array): void {
    const answer = parseHandshakeAnswer(body);
    if (answer.code !== 200) {
      // The kick that follows says why, to machines.
      this.#refusal = answer;
      return;
    }
    const { clock } = this.#options;
    this.#timer?.cancel();
    this.#state = "open";
    this.#send(PacketType.handshakeAck, nothing);
    const deadMs = answer.sys.heartbeat * 1_000 * deadAfterHeartbeats;
    if (deadMs > 0) {
      this.#deadMs = deadMs;
      this.#timer = clock.every(lifeCheckMs, () => this.checkLife());
    }
    try {
      this.#options.opened(answer);
    } catch (reason) {
      this.#fail("protocol", NanoError.from(reason));
    }
    this.#settle?.resolve();
    this.#settle = undefined;
  }

  #kicked(kick: Kick): void {
    this.#over({
      kind: kick.code === "replaced" ? "replaced" : kick.code === "moved" ? "draining" : "kicked",
      code: kick.code,
      message: kick.reason,
    });
  }

  #gone(error: Error | undefined): void {
    if (this.#refusal) this.#fail("kicked", refused(this.#refusal, undefined));
    else
      this.#over({
        kind: "lost",
        message: error ? `the connection broke: ${error.message}` : "the server closed the connection",
      });
  }

  #over(reason: CloseReason): void {
    const { kind, code, message } = reason;
    if (this.#settle) this.#fail(kind, refused(this.#refusal, { code: code ?? "unavailable", reason: message }));
    else if (this.#end()) this.#options.closed(reason);
  }

  #fail(kind: CloseReason["kind"], error: NanoError): void {
    this.#end();
    if (!this.#settle) return;
    this.#failure = { kind, code: error.metadata["code"] ?? error.code, message: error.message };
    this.#settle.reject(error);
    this.#settle = undefined;
  }

  #end(): boolean {
    if (this.#state === "closed") return false;
    this.#state = "closed";
    this.#timer?.cancel();
    this.#giveUp.abort();
    this.#socket?.close();
    return true;
  }

  #send(type: PacketType, body: Uint8Array, header?: MessageHeader): void {
    if (slab.length > slabBytes / 2) slab = new ByteWriter(slabBytes);
    const at = slab.reserve(packetHeaderBytes);
    if (header) writeMessageHeader(slab, header);
    slab.bytes(body);
    writePacketHeader(slab.buffer, at, type, slab.length - at - packetHeaderBytes);
    this.#socket?.send(slab.view(at, slab.length));
  }
}

function refused(answer: HandshakeAnswer | undefined, kick: Kick | undefined): NanoError {
  const code = kick?.code ?? "unavailable";
  const message = kick?.reason || answer?.message || "the server refused the handshake";
  if (isCode(code)) return new NanoError({ code, message });
  // nano's own and the application's codes stand beside the sixteen.
  const near = code === "busy" || code === "moved" ? "unavailable" : code === "must_update" ? "failed_precondition" : undefined;
  return new NanoError({ code: near ?? "permission_denied", message, metadata: { code } });
}

function unavailable(message: string, cause: unknown): NanoError {
  return new NanoError({ code: "unavailable", message, cause });
}
