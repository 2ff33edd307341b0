import type { AcceptedSocket, SocketEvents } from "../acceptor/index.ts";
import type { ByteWriter } from "../contract/index.ts";
import type { CloseReason, Kick, KickCode } from "../error/index.ts";
import { clientFamily, encodeKick } from "../handshake/index.ts";
import { countedCode, type LimitName } from "../metrics/index.ts";
import { StreamError } from "../net/index.ts";
import { exactPacket, PacketDecoder, PacketType } from "../packet/index.ts";
import { accepting, refusing } from "./answers.ts";
import type { ClientForm } from "./client-form.ts";
import type { ConnectionHost, HandshakeRefusal, Postponed } from "./connection-host.ts";
import { Exchange } from "./exchange.ts";
import { Greeting } from "./greeting.ts";
import { WriteProgress } from "./progress.ts";
import type { Relay } from "./relay.ts";
import { sizeLimit } from "./size-limit.ts";
import { PacketWriter } from "./writer.ts";

/** How far a connection has come. Anything out of this order closes it. */
type ConnectionState = "fresh" | "deciding" | "answered" | "working" | "relayed" | "closing" | "closed";

/** One socket of a client: packets, handshake, heartbeats, encoding, and the one writer. */
export class Connection implements SocketEvents {
  // What each push looks at lies together.
  /** Whether there is something to write: when the turn is over, or what is being read is. */
  dirty = false;
  /** When it last had, as the flusher counts. */
  turn = 0;
  /** Whether it is reading. It sees by itself to what it was given meanwhile. */
  reading = false;
  #state: ConnectionState = "fresh";
  // What the handshake settled.
  #exchange: Exchange | undefined;

  readonly remoteAddress: string;
  /** Where it came in. */
  readonly acceptor: string;
  readonly acceptedAtMs: number;
  /** Since when the client's next word is waited for, until its handshake is done: since it came, then since it was answered. */
  waitsSinceMs: number;
  lastReceivedAtMs: number;
  lastHeartbeatAtMs: number;
  /** Whether the client sent `sys.nano`. */
  nano = false;
  /** Whether its handshake was ever done. */
  acknowledged = false;

  readonly #socket: AcceptedSocket;
  readonly #host: ConnectionHost;
  readonly #decoder: PacketDecoder;
  readonly #packets: PacketWriter;
  readonly #progress = new WriteProgress();
  // Until the handshake is done.
  #greeting: Greeting | undefined;
  // Where another frontend has the session: it says and hears everything from then on.
  #relay: Relay | undefined;

  constructor(socket: AcceptedSocket, acceptor: string, host: ConnectionHost) {
    this.#socket = socket;
    this.#host = host;
    this.remoteAddress = socket.remoteAddress;
    this.acceptor = acceptor;
    this.acceptedAtMs = this.waitsSinceMs = this.lastReceivedAtMs = this.lastHeartbeatAtMs = host.now();
    this.#greeting = new Greeting(host);
    this.#packets = new PacketWriter(socket, host.desk, host.counters);
    this.#decoder = new PacketDecoder({ maxPacketBytes: host.limits.handshakeBytes });
  }

  get state(): ConnectionState {
    return this.#state;
  }

  data(bytes: Uint8Array): void {
    if (this.#state === "closed" || this.#state === "closing") return;
    const host = this.#host;
    host.counters.bytesReceived += bytes.length;
    if (this.#relay) {
      this.lastReceivedAtMs = host.now();
      return this.#relay.data(bytes);
    }
    this.lastReceivedAtMs = host.time.begin();
    const { framing } = this.#socket;
    this.reading = true;
    try {
      // Two packets in one message, or a part of one, are a breach (clients.md, rule 4).
      if (framing) exactPacket(bytes);
      this.#decoder.push(bytes, this.#packet);
    } catch (reason) {
      this.#violation(reason instanceof Error ? reason.message : String(reason), sizeLimit(reason, this.acknowledged));
    } finally {
      this.reading = false;
      host.time.end();
    }
    if (!this.dirty) return;
    this.dirty = false;
    // Of a WebSocket each message comes by itself, and others may have come with it.
    if (framing) host.flushSoon(this);
    else this.flush();
  }

  /** Lays an answer behind others of this turn. False where it has to wait in the log: something else waits, or another connection lays its own. */
  lay(id: number, answer: ByteWriter): boolean {
    if (this.#state !== "working" || !this.#exchange?.lay(id, answer)) return false;
    this.#host.flushSoon(this);
    return true;
  }

  drain(): void {
    if (this.#relay) this.#relay.drained();
    else this.flush();
  }

  closed(error?: Error): void {
    this.#host.released();
    if (this.#state === "closed") return;
    if (error instanceof StreamError) this.#violation(error.message, sizeLimit(error, this.acknowledged));
    else
      this.#gone({
        kind: "lost",
        message: error ? `the connection broke: ${error.message}` : "the client closed the connection",
      });
  }

  /** Whether there is something to write, and a socket that takes it. */
  get waits(): boolean {
    return this.#state === "working" && this.#exchange !== undefined && this.#exchange.waits;
  }

  /** Writes what was laid, and what the log holds, as much as the socket takes. */
  flush(): void {
    if (this.#state === "working") this.#exchange?.flush();
  }

  /** A heartbeat of the server: clients of the old kind send none by themselves (clients.md, rule 5). */
  heartbeat(): void {
    this.lastHeartbeatAtMs = this.#host.now();
    if (this.#relay) return;
    this.#packets.packet(PacketType.heartbeat, this.#exchange?.heartbeatBody());
    this.#packets.flush();
  }

  /** Whether the client has taken nothing of what waits in its socket for too long. Asked by the sweep. */
  stalled(): boolean {
    const { limits, now } = this.#host;
    return this.#progress.stalled(now(), this.#packets.written, this.#socket.queuedBytes, limits.stalledMs);
  }

  /** The client reads too slowly to be kept. */
  tooSlow(): void {
    if (this.#relay) this.destroy({ kind: "lost", message: "the client reads too slowly" });
    else this.#exchange?.session.tooSlow();
  }

  /** Closes a socket that may not stay, before it has said a word, and says why. */
  turnAway(postponed: Postponed): void {
    this.#refuse({ code: 503, ...postponed });
  }

  /** Says the last words, all that waits before them included, and closes. A client that was kicked does not come back by itself (rule 7). */
  kick(kick: Kick, reason: CloseReason): void {
    if (this.#state === "working" || this.#state === "answered") {
      if (this.#state === "working") this.#exchange?.drain();
      this.#close(reason, kick);
    } else this.destroy(reason);
  }

  /** Closes, and says why; what waits is kept for the client's next connection. */
  cut(kick: Kick): void {
    this.#close({ kind: "lost", code: kick.code, message: kick.reason }, kick);
  }

  /** Says what waits, and closes without a last word: a client of nano comes back by itself. */
  hangUp(reason: CloseReason): void {
    if (this.#state !== "working") return this.destroy(reason);
    this.#exchange?.drain();
    this.#close(reason);
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
        if (this.#early(to - from) || !this.#greeting) return false;
        this.#state = "deciding";
        void this.#handshake(this.#greeting, buffer.slice(from, to));
        // One that cannot be read is refused at once, and nothing behind it is looked at.
        return this.#state === "deciding";
      case PacketType.handshakeAck:
        if (this.#state !== "answered") return this.#violation("an ack without a handshake");
        this.#state = "working";
        this.acknowledged = true;
        this.#greeting = undefined;
        this.#host.acknowledged(this);
        this.#decoder.maxPacketBytes = this.#host.limits.packetBytes;
        this.#exchange?.session.opened(this);
        this.#host.flushSoon(this);
        return this.#open();
      case PacketType.heartbeat:
        if (this.#state === "answered") return !this.#early(to - from);
        if (this.#state !== "working") return this.#violation("a heartbeat before the handshake");
        return this.#heartbeat(buffer, from, to);
      case PacketType.data:
        if (this.#state !== "working") return this.#violation("data before the handshake was done");
        return this.#data(buffer, from, to);
      default:
        return this.#goodbye();
    }
  };

  #heartbeat(buffer: Uint8Array, from: number, to: number): boolean {
    const said = this.#exchange?.acknowledge(buffer, from, to);
    if (said === "nonsense") return this.#violation("a heartbeat with a count that makes no sense");
    if (said === "news") return true;
    return this.#exchange?.session.pace(this.lastReceivedAtMs, 1, 0) !== "abuse" || this.#tooMuch();
  }

  /** A nano client kicks to say that it will not come back. */
  #goodbye(): boolean {
    if (!this.nano || (this.#state !== "working" && this.#state !== "answered")) return this.#violation("clients do not kick");
    this.#close({ kind: "left", message: "the client has left" });
    return false;
  }

  async #handshake(greeting: Greeting, body: Uint8Array): Promise<void> {
    const request = greeting.read(body);
    if ("ok" in request) return this.#refuse(request);
    this.nano = clientFamily(request) === "nano";
    const outcome = await this.#host.handshake(this, request);
    // The socket may have gone while the application decided.
    if (this.#state !== "deciding") {
      if (outcome.ok === "relayed") return outcome.relay.close();
      const session = outcome.ok ? outcome.session : outcome.begun;
      session?.disconnected(this, { kind: "lost", message: "the client left during its handshake" });
      return;
    }
    if (!outcome.ok) {
      this.#refuse(outcome);
      outcome.begun?.disconnected(this, { kind: "lost", message: outcome.kick.reason });
      return;
    }
    if (outcome.ok === "relayed") return this.#beRelayed(outcome.relay, body);
    const traced = greeting.isTraced(request);
    this.#exchange = new Exchange(outcome, traced, this.#socket, this.#packets, this.#host);
    this.#state = "answered";
    this.waitsSinceMs = this.#host.now();
    const answer = accepting(this.#host.limits.heartbeatMs, outcome.form, outcome.nano, traced);
    this.#packets.packet(PacketType.handshake, answer);
    this.#packets.flush();
  }

  #beRelayed(relay: Relay, handshake: Uint8Array): void {
    this.#state = "relayed";
    this.acknowledged = true;
    this.#host.acknowledged(this);
    this.#relay = relay;
    relay.begin({
      socket: this.#socket,
      packets: this.#packets,
      handshake,
      over: (reason, cut) => {
        if (cut) this.destroy(reason);
        else this.#close(reason);
      },
    });
  }

  /** What the handshake settled. */
  get form(): ClientForm | undefined {
    return this.#exchange?.form;
  }

  #refuse({ code, kick, afterMs }: Omit<HandshakeRefusal, "ok">): void {
    this.#host.counters.handshakesRefused[countedCode(kick.code)]++;
    const { heartbeatMs } = this.#host.limits;
    this.#packets.packet(PacketType.handshake, refusing(heartbeatMs, code, kick.reason, afterMs));
    // What the system has taken goes out all the same.
    const now = this.#host.isCrowded();
    this.#close({ kind: "protocol", code: kick.code, message: kick.reason }, kick, now);
  }

  #data(buffer: Uint8Array, from: number, to: number): boolean {
    const exchange = this.#exchange;
    if (!exchange) return false;
    if (exchange.count(to - from)) this.heartbeat();
    return exchange.read(buffer, from, to, this.lastReceivedAtMs) === "abuse" ? this.#tooMuch() : this.#open();
  }

  #tooMuch(): false {
    return this.#violation("the client sends far more than it may", undefined, "resource_exhausted");
  }

  /** Counts what comes before the handshake is done. True when that is too much. */
  #early(bodyBytes: number): boolean {
    if (!this.#greeting?.isTooMuch(bodyBytes)) return false;
    this.#violation("too many bytes before the handshake was done", "handshakeBytes");
    return true;
  }

  #open(): boolean {
    return this.#state === "working";
  }

  /** Always false: no more packets are read. */
  #violation(message: string, limit?: LimitName, code: KickCode = "invalid_argument"): false {
    const { counters } = this.#host;
    counters.violations++;
    if (limit) counters.limits[limit]++;
    const reason: CloseReason = { kind: "protocol", code, message };
    if (this.#state === "working") this.kick({ code, reason: message }, reason);
    else {
      counters.handshakesRefused[countedCode(code)]++;
      this.destroy(reason);
    }
    return false;
  }

  /** Writes what was laid, and the last word, and closes. @param now Whether nobody waits for a peer that is slow to read it. */
  #close(reason: CloseReason, kick?: Kick, now = false): void {
    if (kick) this.#packets.packet(PacketType.kick, encodeKick(kick));
    this.#packets.flush();
    this.#state = "closing";
    if (now) this.#socket.destroy();
    else this.#socket.end();
    this.#gone(reason);
  }

  #gone(reason: CloseReason): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#packets.drop();
    this.#host.closed(this);
    this.#relay?.close();
    this.#exchange?.session.disconnected(this, reason);
  }
}
