// The load: connections that keep so many messages under way, and count what comes back. A process of its own.
// It looks at the headers of packets and frames only, so that it stays far below the server's cost. An error, or a closed connection, ends it.
import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { parseArgs } from "node:util";
import { create, toBinary } from "@bufbuild/protobuf";
import { EchoRequestSchema } from "../gen/bench/v1/echo_pb.ts";

/** What one run of the load has seen. */
export interface LoadResult {
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

const { values: flags } = parseArgs({
  options: {
    port: { type: "string" },
    over: { type: "string", default: "tcp" },
    connections: { type: "string", default: "64" },
    inflight: { type: "string", default: "1" },
    seconds: { type: "string", default: "3" },
    raw: { type: "boolean", default: false },
  },
});
const webSocket = flags.over === "ws";
const port = Number(flags.port);
const inflight = Number(flags.inflight);
const warmupMs = 700;
const errorFlag = 0x20;
const route = Buffer.from("echo.echo.echo");
const body = Buffer.from(
  toBinary(EchoRequestSchema, create(EchoRequestSchema, { seq: 7, name: "somebody", text: "hello there, all" })),
);
// Request id 1: ids may be used again by clients that do not send `sys.nano`.
const message = Buffer.concat([Buffer.from([0x00, 0x01, route.length]), route, body]);
const request = framed(packet(4, message));
const batch = Buffer.concat(Array.from({ length: inflight }, () => request));

let counting = false;
let answers = 0;
const latenciesUs: number[] = [];

await Promise.all(Array.from({ length: Number(flags.connections) }, open));
await new Promise((resolve) => setTimeout(resolve, warmupMs));
counting = true;
const startedAt = performance.now();
await new Promise((resolve) => setTimeout(resolve, Number(flags.seconds) * 1_000));
const seconds = (performance.now() - startedAt) / 1_000;
latenciesUs.sort((one, other) => one - other);
const at = (part: number): number => Math.round(latenciesUs[Math.floor(latenciesUs.length * part)] ?? 0);
const result: LoadResult = { perSecond: Math.round(answers / seconds), p50Us: at(0.5), p99Us: at(0.99) };
console.log(JSON.stringify(result));
process.exit(0);

async function open(): Promise<void> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  if (webSocket) await upgrade(socket);
  if (!flags.raw) await shakeHands(socket);
  pump(socket);
}

/** Each answer is followed by the next request; what comes in one piece is answered in one piece. */
function pump(socket: Socket): void {
  let rest: Buffer = Buffer.alloc(0);
  let sentAt = performance.now();
  socket.on("data", (bytes) => {
    const whole = rest.length > 0 ? Buffer.concat([rest, bytes]) : bytes;
    let from = 0;
    let came = 0;
    for (let length = unitLength(whole, from); length > 0 && from + length <= whole.length; length = unitLength(whole, from)) {
      const at = from + (webSocket ? headerLength(whole, from) : 0);
      // Heartbeats are no answers.
      if (whole[at] === 4) {
        if (((whole[at + 4] ?? 0) & errorFlag) !== 0) throw new Error("the server answered with an error");
        came++;
      }
      from += length;
    }
    rest = from < whole.length ? whole.subarray(from) : Buffer.alloc(0);
    if (came === 0) return;
    const now = performance.now();
    if (counting) {
      answers += came;
      latenciesUs.push((now - sentAt) * 1_000);
    }
    sentAt = now;
    socket.write(came === 1 ? request : came === inflight ? batch : Buffer.concat(Array.from({ length: came }, () => request)));
  });
  socket.once("close", () => {
    throw new Error("the server closed a connection");
  });
  socket.write(batch);
}

/** How long the packet, or frame, at a place is; 0 where its header is not whole. */
function unitLength(bytes: Buffer, from: number): number {
  if (!webSocket) return bytes.length - from < 4 ? 0 : 4 + bytes.readUIntBE(from + 1, 3);
  if (bytes.length - from < 4) return 0;
  const short = (bytes[from + 1] ?? 0) & 0x7f;
  return short === 126 ? 4 + bytes.readUInt16BE(from + 2) : 2 + short;
}

function headerLength(bytes: Buffer, from: number): number {
  return ((bytes[from + 1] ?? 0) & 0x7f) === 126 ? 4 : 2;
}

async function shakeHands(socket: Socket): Promise<void> {
  socket.write(framed(packet(1, Buffer.from(JSON.stringify({ sys: { platform: "bench", serializer: "protobuf" } })))));
  await new Promise((resolve) => socket.once("data", resolve));
  socket.write(framed(packet(2, Buffer.alloc(0))));
}

async function upgrade(socket: Socket): Promise<void> {
  const key = randomBytes(16).toString("base64");
  socket.write(
    `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
  );
  await new Promise((resolve) => socket.once("data", resolve));
}

function packet(type: number, content: Buffer): Buffer {
  const header = Buffer.alloc(4);
  header[0] = type;
  header.writeUIntBE(content.length, 1, 3);
  return Buffer.concat([header, content]);
}

/** A masked frame over WebSocket, with a mask of zeros, so that the content stands as it is. */
function framed(content: Buffer): Buffer {
  if (!webSocket) return content;
  const short = content.length < 126;
  const header = Buffer.alloc(short ? 6 : 8);
  header[0] = 0x82;
  header[1] = 0x80 | (short ? content.length : 126);
  if (!short) header.writeUInt16BE(content.length, 2);
  return Buffer.concat([header, content]);
}
