import { NanoError } from "../error/index.ts";
import type { NanoAnswer, NanoRequest } from "../handshake/index.ts";
import type { MessageHeader } from "../message/index.ts";

/** One message that was sent. */
export interface SentMessage {
  readonly header: MessageHeader;
  readonly body: Uint8Array;
}

// A server says every 64 packets that they came. One that does not must not fill the memory.
const mostMessages = 4_096;
const mostBytes = 4 * 1_024 * 1_024;

/** What a client comes back to its session with: its ticket, and what it has sent that the server has not counted. */
export class Continuation {
  #ticket = "";
  #kept: SentMessage[] = [];
  #bytes = 0;
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

  /** A message was sent, or would have been. */
  sent(header: MessageHeader, body: Uint8Array): void {
    if (!this.possible) return;
    this.#kept.push({ header, body });
    this.#bytes += body.length;
    if (this.#kept.length > mostMessages || this.#bytes > mostBytes) this.clear();
  }

  /** The server has counted so many. False where that makes no sense. */
  count(count: number): boolean {
    if (!this.possible) return true;
    if (count > this.#counted + this.#kept.length) return false;
    if (count <= this.#counted) return true;
    for (const { body } of this.#kept.splice(0, count - this.#counted)) this.#bytes -= body.length;
    this.#counted = count;
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

  /** What goes again, in order: routes as they are, since another connection may have other codes. */
  *again(): Iterable<SentMessage> {
    for (const { header, body } of this.#kept) {
      const { kind, id, route, compressed, error } = header;
      yield { header: { kind, id, route, code: -1, compressed, error }, body };
    }
  }

  /** The session is over. */
  clear(): void {
    this.#ticket = "";
    this.#kept = [];
    this.#bytes = this.#counted = 0;
  }
}

function frontendOf(ticket: string): string | undefined {
  return ticket.split(".")[0];
}
