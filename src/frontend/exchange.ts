import type { AcceptedSocket } from "../acceptor/index.ts";
import type { ByteWriter } from "../contract/index.ts";
import { decodeCount, encodeCount } from "../packet/index.ts";
import type { SessionLog } from "../session/index.ts";
import type { ClientForm } from "./client-form.ts";
import type { ConnectedSession, ConnectionHost } from "./connection-host.ts";
import type { LogWriter } from "./log-writer.ts";
import { MessageReader } from "./message-reader.ts";
import type { Pace } from "./rate.ts";
import type { PacketWriter } from "./writer.ts";

// Above this much in the socket the log keeps the rest, where it can be counted and give way.
const socketHighWaterBytes = 64 * 1_024;
const sliceBytes = 64 * 1_024;

/** What goes between one connection and its session once the handshake has settled how: messages in, answers and pushes out. */
export class Exchange {
  readonly session: ConnectedSession;
  readonly form: ClientForm;
  readonly #log: SessionLog;
  readonly #socket: AcceptedSocket;
  readonly #packets: PacketWriter;
  readonly #writer: LogWriter;
  readonly #reader: MessageReader;

  /** @param traced Whether places in traces stand before bodies where messages say so. */
  constructor(
    settled: { readonly session: ConnectedSession; readonly form: ClientForm },
    traced: boolean,
    socket: AcceptedSocket,
    packets: PacketWriter,
    host: ConnectionHost,
  ) {
    this.session = settled.session;
    this.form = settled.form;
    this.#log = settled.session.log;
    this.#socket = socket;
    this.#packets = packets;
    this.#reader = new MessageReader(settled.form, traced, host);
    this.#writer = host.writerOf(settled.form);
  }

  /** Reads one message. Throws what breaks the protocol. */
  read(buffer: Uint8Array, from: number, to: number, atMs: number): Pace {
    return this.#reader.read(buffer, from, to, this.session, atMs);
  }

  /** Counts a message that is about to be read. True where its client must be told at once how many there were. */
  count(bytes: number): boolean {
    return this.session.resumption?.count(bytes) ?? false;
  }

  /** What the next heartbeat tells: a client that may come back hears how many messages were read. */
  heartbeatBody(): Uint8Array | undefined {
    const { resumption } = this.session;
    return resumption && encodeCount(resumption.tell());
  }

  /** What a nano client says to have read is no more waiting, and no message. */
  acknowledge(buffer: Uint8Array, from: number, to: number): "news" | "none" | "nonsense" {
    const { log, resumption } = this.session;
    if (!resumption || to === from) return "none";
    const before = log.acknowledged;
    const count = decodeCount(buffer, from, to);
    if (count === undefined || !log.acknowledge(count)) return "nonsense";
    return log.acknowledged > before ? "news" : "none";
  }

  /** Lays an answer behind others of this turn. False where it has to wait in the log: something else waits, or another connection lays its own. */
  lay(id: number, answer: ByteWriter): boolean {
    if (this.#log.length !== 0 || !this.#packets.free) return false;
    if (this.#socket.queuedBytes >= socketHighWaterBytes || this.#packets.length >= sliceBytes) return false;
    return this.#writer.lay(this.#packets, id, answer);
  }

  /** Whether something was laid, or may leave the log. */
  get waits(): boolean {
    return this.#packets.holds || (this.#log.length > 0 && this.#socket.queuedBytes < socketHighWaterBytes);
  }

  /** Writes what was laid, and what the log holds, as much as the socket takes. */
  flush(): void {
    const log = this.#log;
    const packets = this.#packets;
    packets.own();
    while (log.length > 0 && this.#socket.queuedBytes < socketHighWaterBytes) {
      while (log.length > 0 && packets.length < sliceBytes) {
        const entry = log.take();
        if (!entry) break;
        const before = packets.length;
        this.#writer.write(packets, entry);
        if (packets.length === before) log.unsent();
      }
      packets.flush();
    }
    // Answers that were laid, and that nothing came behind.
    packets.flush();
  }

  /** Lays all that the log holds, before the last word. */
  drain(): void {
    for (let entry = this.#log.take(); entry; entry = this.#log.take()) this.#writer.write(this.#packets, entry);
  }
}
