import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { directWrites, type Sender, type WritesDirectly } from "./direct-writes.ts";

// One for all sockets: what is read is only true during the call.
const buffer = new Uint8Array(64 * 1_024);
const onread = {
  buffer,
  callback(this: DirectSocket, bytes: number): boolean {
    this.heard(new Uint8Array(buffer.buffer, 0, bytes));
    return true;
  },
};

/** The parts of Node's sockets that are not public; the same from Node 20 to 26. */
interface Inside {
  _handle: WritesDirectly | null;
  _server: object | null;
}

type Done = (error?: Error | null) => void;

/** A socket that reads into one shared buffer and calls straight away, and has the system take what it sends at once, past the machinery of streams. */
export class DirectSocket extends Socket implements Sender {
  // Whether something may wait: mostly not, and then no more has to be looked at.
  #waits = false;
  // Of what was sent past the stream, and only taken in part.
  #underWay = 0;

  /** @param handle Of a connection that there is. The default is none: it connects by itself. */
  constructor(handle?: object) {
    // Declared for sockets that connect; the constructor takes it with a handle as well.
    super({ ...(handle && ({ handle } as object)), onread });
  }

  /** Hears every read: whoever holds the socket puts its own in this place. Until then what comes is data, as of other sockets. */
  heard(bytes: Uint8Array): void {
    this.emit("data", Buffer.from(bytes));
  }

  /** What was sent and not yet taken. */
  get queuedBytes(): number {
    return this.#waits ? this.#underWay + this.writableLength : 0;
  }

  /** As `write`, once it is connected; false also where nothing is written any more. The bytes may not change again. */
  send(bytes: Uint8Array): boolean {
    const { _handle: handle } = this as unknown as Inside;
    // What waits goes first.
    const taken = !directWrites || !handle || this.queuedBytes > 0 ? "failed" : directWrites.write(handle, bytes, this);
    this.#waits = taken !== "at once";
    if (taken === "at once") return true;
    if (taken === "later") this.#underWay = bytes.length;
    // What is wrong is for Node to find, and to say.
    else if (!this.writable) return false;
    else this.write(bytes);
    return this.queuedBytes < this.writableHighWaterMark;
  }

  /** By the stream, as others write to an accepted socket (one that connects is given Node's own `write` by that, and has no others). */
  override write(chunk: string | Uint8Array, encoding?: BufferEncoding | Done, done?: Done): boolean {
    this.#waits = true;
    return super.write(chunk, encoding as BufferEncoding, done);
  }

  taken(failed: Error | undefined): void {
    this.#underWay = 0;
    if (failed) this.destroy(failed);
    // Otherwise the stream says so, when it has been taken as well.
    else if (!this.writableNeedDrain) this.emit("drain");
  }
}

/** Writes to a socket of any kind. False when it is full, or takes nothing any more. */
export function send(socket: Duplex, bytes: Uint8Array): boolean {
  if (socket instanceof DirectSocket) return socket.send(bytes);
  return socket.writable && socket.write(bytes);
}

/** What was sent to a socket and not yet taken. */
export function queuedBytes(socket: Duplex): number {
  return socket instanceof DirectSocket ? socket.queuedBytes : socket.writableLength;
}

/**
 * An accepted connection as a DirectSocket: with one message a read that saves a quarter of what a read costs. `onread` is for sockets that one
 * makes, so the handle is moved to a new one, and what is left of the old one is to be forgotten. Undefined where this Node does not let us: then the
 * socket is as it was.
 *
 * @param socket Of a server, not of TLS. Nothing waits in it, either way.
 */
export function directly(socket: Socket): DirectSocket | undefined {
  const from = socket as Socket & Partial<Inside>;
  const { _handle: handle, _server: server } = from;
  if (!handle || !server) return undefined;
  from._handle = null;
  from._server = null;
  // The server counts its sockets, and waits for them when it closes.
  return Object.assign(new DirectSocket(handle), { _server: server, server });
}
