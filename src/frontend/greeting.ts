import { clientFamily, type HandshakeRequest, parseHandshakeRequest } from "../handshake/index.ts";
import { packetHeaderBytes } from "../packet/index.ts";
import type { ConnectionHost, HandshakeRefusal } from "./connection-host.ts";

/** What a connection hears before its handshake is done. */
export class Greeting {
  readonly #host: ConnectionHost;
  #bytes = 0;

  constructor(host: ConnectionHost) {
    this.#host = host;
  }

  /** Counts a packet. True when that is too much. */
  isTooMuch(bodyBytes: number): boolean {
    this.#bytes += packetHeaderBytes + bodyBytes;
    return this.#bytes > this.#host.limits.handshakeBytes;
  }

  /** What the client asks for; or why that is not even decided on. */
  read(body: Uint8Array): HandshakeRequest | HandshakeRefusal {
    let request: HandshakeRequest;
    try {
      request = parseHandshakeRequest(body);
    } catch {
      return { ok: false, code: 400, kick: { code: "invalid_argument", reason: "the handshake cannot be read" } };
    }
    const postponed = this.#host.admit();
    if (!postponed) return request;
    // Others would not know what to make of the time.
    const afterMs = clientFamily(request) === "nano" ? postponed.afterMs : undefined;
    return { ok: false, code: 503, kick: postponed.kick, afterMs };
  }

  /** Whether places in traces stand before bodies, where messages say so. */
  isTraced(request: HandshakeRequest): boolean {
    return this.#host.readsTraces && request.sys.nano?.trace === true;
  }
}
