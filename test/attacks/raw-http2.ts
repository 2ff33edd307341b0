import { connect, type Socket } from "node:net";
import { until } from "../net/recorder.ts";

/** A frame of HTTP/2, without its payload. */
interface Head {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
}

export const frames = { data: 0, headers: 1, reset: 3, settings: 4, goaway: 7, continuation: 9 } as const;
export const endStream = 0x01;
export const endHeaders = 0x04;

/** A frame of HTTP/2. */
export function http2Frame(type: number, flags: number, stream: number, payload: Uint8Array = new Uint8Array(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Headers of a POST, none of them kept for later. */
export function headerBlock(path: string, fields: readonly (readonly [name: string, value: string])[] = []): Buffer {
  const literal = ([name, value]: readonly [string, string]): Buffer => Buffer.concat([Buffer.of(0), text(name), text(value)]);
  // :method POST, :scheme http, by the static table.
  return Buffer.concat([
    Buffer.of(0x83, 0x86),
    ...[[":authority", "x"] as const, [":path", path] as const, ...fields].map(literal),
  ]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, "latin1");
  // A length over 127 goes on in pieces of seven bits.
  const length = [Math.min(bytes.length, 127)];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest >>= 7) length.push((rest & 127) | 128);
  if (bytes.length >= 127) length.push(rest);
  return Buffer.concat([Buffer.from(length), bytes]);
}

/** A connection that says what it is told to, whatever HTTP/2 has against it. */
export class RawHttp2 {
  /** What came, without what it says. */
  readonly heard: Head[] = [];
  closed = false;
  readonly #socket: Socket;
  #rest: Buffer = Buffer.alloc(0);

  constructor(address: string) {
    const [host = "", port] = address.split(":");
    this.#socket = connect({ host, port: Number(port), noDelay: true }).on("error", () => {});
    this.#socket.on("data", (bytes) => this.#read(bytes)).once("close", () => (this.closed = true));
    // The settings of both.
    this.#socket.write(Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), http2Frame(frames.settings, 0, 0)]));
    this.#socket.write(http2Frame(frames.settings, 1, 0));
  }

  /** Resolves when the system has taken it, and what came meanwhile was read. */
  say(...bytes: readonly Uint8Array[]): Promise<void> {
    return new Promise((resolve) => {
      if (this.closed) resolve();
      else this.#socket.write(Buffer.concat(bytes), () => void setImmediate(resolve));
    });
  }

  /** Whether a stream is over, or the whole connection. */
  over(stream: number): boolean {
    const ends = ({ type, flags }: Head): boolean =>
      type === frames.reset || (type <= frames.headers && (flags & endStream) !== 0);
    return this.closed || this.heard.some((head) => head.stream === stream && ends(head));
  }

  end(): Promise<void> {
    return until(() => this.closed, 20_000).toBe(true);
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    while (this.#rest.length >= 9) {
      const length = this.#rest.readUIntBE(0, 3);
      if (this.#rest.length < 9 + length) return;
      const [type = 0, flags = 0] = this.#rest.subarray(3, 5);
      this.heard.push({ type, flags, stream: this.#rest.readUInt32BE(5) });
      this.#rest = this.#rest.subarray(9 + length);
    }
  }
}
