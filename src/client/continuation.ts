import { ByteWriter } from "../contract/index.ts";
import { NanoError } from "../error/index.ts";
import type { NanoAnswer, NanoRequest } from "../handshake/index.ts";
import { type DecodedMessage, decodeMessage, type MessageHeader, writeMessageHeader } from "../message/index.ts";

// A server says every 64 packets that they came. One that does not must not fill the memory.
const mostMessages = 4_096;
const mostBytes = 4 * 1_024 * 1_024;
const leastRoom = 1_024;
const lengthBytes = 4;
const nothing = new Uint8Array(0);
const head = new ByteWriter(512);

/** What a client comes back to its session with: its ticket, and what it has sent that the server has not counted. */
export class Continuation {
  #ticket = "";
  // Whole messages, each behind its length: as objects they would live just long enough to be what collecting garbage costs.
  #kept: Uint8Array = nothing;
  #from = 0;
  #to = 0;
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
    head.truncate(lengthBytes);
    // Routes as they are, since another connection may have other codes.
    writeMessageHeader(head, { kind, id, route, code: -1, compressed, error });
    const bytes = head.length + body.length;
    this.#messages++;
    if (this.#messages > mostMessages || this.#to - this.#from + bytes > mostBytes) return this.clear();
    this.#makeRoom(bytes);
    const length = bytes - lengthBytes;
    head.buffer.set([length >>> 24, length >>> 16, length >>> 8, length]);
    this.#kept.set(head.view(0, head.length), this.#to);
    this.#kept.set(body, this.#to + head.length);
    this.#to += bytes;
  }

  /** The server has counted so many. False where that makes no sense. */
  count(count: number): boolean {
    if (!this.possible) return true;
    if (count > this.#counted + this.#messages) return false;
    for (; this.#counted < count; this.#counted++, this.#messages--) this.#from += lengthBytes + this.#lengthAt(this.#from);
    if (this.#messages === 0) this.#from = this.#to = 0;
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
    for (let at = this.#from; at < this.#to; ) {
      const from = at + lengthBytes;
      at = from + this.#lengthAt(at);
      message = decodeMessage(this.#kept, from, at, message);
      const { kind, id, route, compressed, error } = message;
      yield { header: { kind, id, route, code: -1, compressed, error }, body: this.#kept.subarray(message.bodyFrom, at) };
    }
  }

  /** The session is over. */
  clear(): void {
    this.#ticket = "";
    this.#kept = nothing;
    this.#from = this.#to = this.#messages = this.#counted = 0;
  }

  #lengthAt(at: number): number {
    const kept = this.#kept;
    return ((kept[at] ?? 0) << 24) | ((kept[at + 1] ?? 0) << 16) | ((kept[at + 2] ?? 0) << 8) | (kept[at + 3] ?? 0);
  }

  #makeRoom(bytes: number): void {
    if (this.#to + bytes <= this.#kept.length) return;
    const used = this.#to - this.#from;
    const enough = 2 * (used + bytes) <= this.#kept.length;
    const room = enough ? this.#kept : new Uint8Array(Math.max(leastRoom, 2 * (used + bytes)));
    room.set(this.#kept.subarray(this.#from, this.#to));
    this.#kept = room;
    [this.#from, this.#to] = [0, used];
  }
}

function frontendOf(ticket: string): string | undefined {
  return ticket.split(".")[0];
}
