// What a client of the benchmarks says and hears, as bytes made once.
import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";

export type Over = "tcp" | "ws";

/** Where a load connects, and whether what is there speaks nano's protocol. */
export interface Target {
  readonly port: number;
  readonly over: Over;
  readonly raw: boolean;
  /** Whether it is spoken to as by nano's own client, which may come back to its session. The default is false. */
  readonly nano?: boolean;
}

const opened = 101;

/** A socket that is connected, upgraded, and has shaken hands, as far as its target wants. */
export async function openSocket({ port, over, raw, nano }: Target): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  socket.removeAllListeners("error").on("error", () => socket.destroy());
  if (over === "ws") await upgrade(socket, port);
  if (!raw) {
    const sys = { platform: "bench", serializer: "protobuf", ...(nano ? { nano: {} } : {}) };
    socket.write(framed(packet(1, Buffer.from(JSON.stringify({ sys }))), over));
    await reply(socket);
    socket.write(framed(packet(2, Buffer.alloc(0)), over));
  }
  return socket;
}

async function upgrade(socket: Socket, port: number): Promise<void> {
  const key = randomBytes(16).toString("base64");
  socket.write(
    `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
  );
  const status = (await reply(socket)).toString("latin1", 9, 12);
  if (Number(status) !== opened) throw new Error(`the upgrade was answered with ${status}`);
}

function reply(socket: Socket): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const closed = (): void => reject(new Error("the server closed the connection"));
    socket.once("close", closed);
    socket.once("data", (bytes) => {
      socket.off("close", closed);
      resolve(bytes);
    });
  });
}

/** A request with text route. Ids may be used again by clients that do not send `sys.nano`: it is always 1. */
export function request(route: string, body: Uint8Array, over: Over): Buffer {
  const text = Buffer.from(route);
  return framed(packet(4, Buffer.concat([Buffer.from([0x00, 0x01, text.length]), text, body])), over);
}

export function packet(type: number, content: Uint8Array): Buffer {
  const header = Buffer.alloc(4);
  header[0] = type;
  header.writeUIntBE(content.length, 1, 3);
  return Buffer.concat([header, content]);
}

/** Over WebSocket a masked frame, with a mask of zeros, so that the content stands as it is. */
export function framed(content: Buffer, over: Over): Buffer {
  if (over === "tcp") return content;
  const short = content.length < 126;
  const header = Buffer.alloc(short ? 6 : 8);
  header[0] = 0x82;
  header[1] = 0x80 | (short ? content.length : 126);
  if (!short) header.writeUInt16BE(content.length, 2);
  return Buffer.concat([header, content]);
}

const errorFlag = 0x20;

/** Counts the Data packets in what a socket hears, by their headers alone. An error among them ends the load. */
export function createCounter(over: Over): (bytes: Buffer) => number {
  let rest: Buffer = Buffer.alloc(0);
  return (bytes) => {
    const whole = rest.length > 0 ? Buffer.concat([rest, bytes]) : bytes;
    let from = 0;
    let came = 0;
    for (
      let length = unitLength(whole, from, over);
      length > 0 && from + length <= whole.length;
      length = unitLength(whole, from, over)
    ) {
      const at = from + headerLength(whole, from, over);
      // Heartbeats are no messages.
      if (whole[at] === 4) {
        if (((whole[at + 4] ?? 0) & errorFlag) !== 0) throw new Error("the server answered with an error");
        came++;
      } else if (whole[at] === 5) throw new Error(`kicked: ${whole.toString("utf8", at + 4)}`);
      from += length;
    }
    rest = from < whole.length ? whole.subarray(from) : Buffer.alloc(0);
    return came;
  };
}

// How long the packet, or frame, at a place is; 0 where its header is not whole.
function unitLength(bytes: Buffer, from: number, over: Over): number {
  if (bytes.length - from < 4) return 0;
  if (over === "tcp") return 4 + bytes.readUIntBE(from + 1, 3);
  const short = (bytes[from + 1] ?? 0) & 0x7f;
  return short === 126 ? 4 + bytes.readUInt16BE(from + 2) : 2 + short;
}

function headerLength(bytes: Buffer, from: number, over: Over): number {
  if (over === "tcp") return 0;
  return ((bytes[from + 1] ?? 0) & 0x7f) === 126 ? 4 : 2;
}

/** Opens many, so many at a time. */
export async function openAll(count: number, target: Target, atOnce = 64): Promise<Socket[]> {
  const sockets: Socket[] = [];
  let left = count;
  const open = async (): Promise<void> => {
    while (left-- > 0) sockets.push(await openSocket(target));
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, open));
  return sockets;
}
