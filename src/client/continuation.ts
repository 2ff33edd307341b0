import { ByteWriter } from "../contract/index.ts";
import { NanoError } from "../error/index.ts";
import type { NanoAnswer, NanoRequest } from "../handshake/index.ts";
import { type DecodedMessage, decodeMessage, type MessageHeader, writeMessageHeader } from "../message/index.ts";

// A server says every 64 packets that they came. One that does not must not fill the memory.
const mostMessages = 4_096;
const mostBytes = 4 * 1_024 * 1_024;
const lengthBytes = 4;

/** What a client comes back to its session with: its ticket, and what it has sent that the server has not counted. */
export class Continuation {
  #ticket = "";
  // Whole messages, each behind its length: as objects they would live just long enough to be what collecting garbage costs.
  #kept = new ByteWriter(0);
  // Where the first of them begins.
  #from = 0;
  #messages = 0;
  // How many messages the server has counted.
  #counted = 0;

  /** Whether the session can be come back to. */
  get possible(): boolean {
    return this.#ticket !== "";
  }

  /** What the next handshake says. @param received How many Data packets the last connection read. */
  resume(received: number): NanoRequest["resume"] {
    return this.possible ? { ticket: this.#ticket, received } : undefined;
  }

  /** A message was sent, or would have been. The body is only true during the call. */
  sent({ kind, id, route, compressed, error }: MessageHeader, body: Uint8Array): void {
    if (!this.possible) return;
    this.#makeRoom();
    const kept = this.#kept;
    const at = kept.reserve(lengthBytes);
    // Routes as they are, since another connection may have other codes.
    writeMessageHeader(kept, { kind, id, route, code: -1, compressed, error });
    kept.bytes(body);
    kept.data.setUint32(at, kept.length - at - lengthBytes);
    if (++this.#messages > mostMessages || kept.length - this.#from > mostBytes) this.clear();
  }

  /** The server has counted so many. False where that makes no sense. */
  count(count: number): boolean {
    if (!this.possible) return true;
    if (count > this.#counted + this.#messages) return false;
    for (; this.#counted < count; this.#counted++, this.#messages--) this.#from = this.#end(this.#from);
    return true;
  }

  /** The server let the client in. Gives whether to the same session; on another frontend that is `moved`. Throws `internal` on an answer that makes no sense. */
  admitted(nano: NanoAnswer | undefined): "new" | "resume" | "moved" {
    const before = this.#ticket;
    const { resumed = false, received = 0, ticket = "" } = nano ?? {};
    if (!resumed) this.clear();
    else if (before === "" || received < this.#counted || !this.count(received)) {
      throw new NanoError({ code: "internal", message: "the server resumed what it cannot" });
    }
    this.#ticket = ticket;
    this.#counted = 0;
    if (!resumed) return "new";
    return frontendOf(before) === frontendOf(ticket) ? "resume" : "moved";
  }

  /** What goes again, in order. Each is only true until the next. */
  *again(): Iterable<{ readonly header: MessageHeader; readonly body: Uint8Array }> {
    let message: DecodedMessage | undefined;
    const { buffer, length } = this.#kept;
    for (let at = this.#from; at < length; ) {
      const from = at + lengthBytes;
      at = this.#end(at);
      message = decodeMessage(buffer, from, at, message);
      const { kind, id, route, compressed, error } = message;
      yield { header: { kind, id, route, code: -1, compressed, error }, body: buffer.subarray(message.bodyFrom, at) };
    }
  }

  /** The session is over. */
  clear(): void {
    this.#ticket = "";
    this.#kept = new ByteWriter(0);
    this.#from = this.#messages = this.#counted = 0;
  }

  /** Where a message ends. */
  #end(at: number): number {
    return at + lengthBytes + this.#kept.data.getUint32(at);
  }

  /** Moves what is kept to the beginning where the half before it is free. */
  #makeRoom(): void {
    const kept = this.#kept;
    if (this.#from === 0 || 2 * this.#from < kept.length) return;
    const rest = kept.slice(this.#from, kept.length);
    kept.truncate(0);
    kept.bytes(rest);
    this.#from = 0;
  }
}

function frontendOf(ticket: string): string | undefined {
  return ticket.split(".")[0];
}
