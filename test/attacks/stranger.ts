import { type ClientHttp2Session, connect as connectHttp2, type OutgoingHttpHeaders } from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { Http2ByteStream } from "../../src/net/http2-byte-stream.ts";
import { connectStream } from "../../src/net/stream-protocol.ts";
import { RawLink } from "../link/raw-link.ts";
import { until } from "../net/recorder.ts";

const linkPath = "/nano.cluster.v1.LinkService/Link";
const slowMs = 20_000;

/** What a plain call was answered. */
export interface PlainAnswer {
  /** Undefined: the stream was reset unanswered. */
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
  /** How many bytes of the body had left when it was over. */
  readonly sentBytes: number;
}

/** One connection to a cluster port, and as much on it as one likes. */
export class Stranger {
  readonly socket: Socket;
  readonly #session: ClientHttp2Session;

  constructor(address: string, tls?: ConnectionOptions) {
    const [host = "", port] = address.split(":");
    const at = { host, port: Number(port) };
    this.socket = tls ? connectTls({ ...at, ALPNProtocols: ["h2"], ...tls }) : connectTcp({ ...at, noDelay: true });
    this.#session = connectHttp2(`${tls ? "https" : "http"}://${address}`, { createConnection: () => this.socket });
    this.#session.on("error", () => {}).setMaxListeners(0);
  }

  get closed(): boolean {
    return this.#session.destroyed || this.#session.closed;
  }

  /** Opens a link, and says nothing yet. */
  link(): RawLink {
    const raw = new RawLink();
    const stream = this.#session.request({ ":method": "POST", ":path": linkPath, "content-type": connectStream.contentType });
    const bytes = new Http2ByteStream(stream, { socket: this.socket, protocol: connectStream });
    raw.stream = bytes;
    bytes.hear(raw.events);
    return raw;
  }

  /** Resolves when it is over, however it ends. */
  call(headers: OutgoingHttpHeaders, body: Uint8Array | undefined = undefined): Promise<PlainAnswer> {
    const { promise, resolve } = Promise.withResolvers<PlainAnswer>();
    const all = { ":method": "POST", ":path": "/play.v1.WhoService/Any", "content-type": "application/proto", ...headers };
    if (this.closed) return Promise.resolve({ status: undefined, headers: {}, body: "", sentBytes: 0 });
    const stream = this.#session.request(all, { endStream: body === undefined });
    let answer: Record<string, unknown> = {};
    let text = "";
    const keep = (headers: object): void => {
      answer = { ...answer, ...headers };
    };
    stream
      .on("error", () => {})
      .on("response", keep)
      .on("trailers", keep);
    stream.on("data", (piece: Buffer) => (text += piece.toString("latin1")));
    stream.once("close", () => {
      const status = answer[":status"] === undefined ? undefined : Number(answer[":status"]);
      resolve({ status, headers: answer, body: text, sentBytes: body ? body.length - stream.writableLength : 0 });
    });
    if (body) stream.end(body);
    return promise;
  }

  close(): void {
    this.#session.destroy();
    this.socket.destroy();
  }
}

/** Tries something so often, some at once: `some` is told from where, and how many. */
export async function inBatches(
  count: number,
  atOnce: number,
  some: (from: number, count: number) => Promise<void>,
): Promise<void> {
  for (let from = 0; from < count; from += atOnce) await some(from, Math.min(atOnce, count - from));
}

/** A list of what is made by number. */
export function many<T>(count: number, make: (at: number) => T): T[] {
  return Array.from({ length: count }, (_, at) => make(at));
}

/** The same bytes but for one bit. */
export function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const other = Uint8Array.from(bytes);
  other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return other;
}

/** Waits until every link was closed by the other end. */
export function allClosed(links: readonly RawLink[]): Promise<void> {
  return until(() => links.filter(({ closed }) => !closed).length, slowMs).toBe(0);
}

/** Waits until a frame of a kind has come on every link. */
export function allHave(links: readonly RawLink[], kind: string): Promise<void> {
  return until(() => links.filter(({ kinds }) => !kinds.includes(kind)).length, slowMs).toBe(0);
}
