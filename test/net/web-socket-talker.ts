import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocket } from "ws";
import { connectWebSocket } from "../../src/net/index.ts";

/** What a client has heard, as hex, and what it said: its frames without their masks. */
export interface ClientConversation {
  readonly heard: readonly string[];
  readonly said: readonly string[];
}

/** A client: connects, hears, answers nothing by itself, and resolves with what it has heard when it is closed. */
export type Client = (url: string) => Promise<readonly string[]>;

/** `ws` as it is. */
export const plainClient: Client = (url) => {
  const heard: string[] = [];
  const socket = new WebSocket(url, { perMessageDeflate: false, maxPayload: 2 ** 24 + 3 });
  socket.on("message", (data: Buffer) => heard.push(data.toString("hex"))).on("error", () => {});
  return new Promise((resolve) => socket.once("close", () => resolve(heard)));
};

/** What nano connects with. */
export const netClient: Client = (url) => {
  const heard: string[] = [];
  return new Promise((resolve, reject) => {
    const events = {
      data: (message: Uint8Array) => void heard.push(Buffer.from(message).toString("hex")),
      drain() {},
      closed: () => resolve(heard),
    };
    connectWebSocket(url, {}, events, new AbortController().signal).catch(reject);
  });
};

/** Takes a client's upgrade, sends it the pieces, the first together with the answer, ends, and waits for its end. */
export async function talkTo(client: Client, pieces: readonly Uint8Array[]): Promise<ClientConversation> {
  const got: Buffer[] = [];
  const server = createServer().listen({ host: "127.0.0.1", port: 0 });
  await new Promise((resolve) => server.once("listening", resolve));
  server.on("upgrade", (request, socket: Duplex) => {
    const accept = createHash("sha1").update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
    const answer = `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept.digest("base64")}\r\n\r\n`;
    socket.on("error", () => {}).on("data", (bytes: Buffer) => got.push(bytes));
    const [together = new Uint8Array(0), ...others] = pieces;
    socket.write(Buffer.concat([Buffer.from(answer), together]));
    for (const piece of others) socket.write(piece);
    socket.end();
  });
  const heard = await client(`ws://127.0.0.1:${(server.address() as { readonly port: number }).port}/`);
  await new Promise((resolve) => server.close(resolve));
  return { heard, said: framesOf(Buffer.concat(got)) };
}

/** Frames of at most 125 bytes, which is all that a client says by itself. */
function framesOf(bytes: Buffer): readonly string[] {
  const frames: string[] = [];
  for (let at = 0; at + 6 <= bytes.length; ) {
    const length = (bytes[at + 1] ?? 0) & 0x7f;
    const mask = bytes.subarray(at + 2, at + 6);
    const body = bytes.subarray(at + 6, at + 6 + length).map((byte, index) => byte ^ (mask[index % 4] ?? 0));
    frames.push(`${bytes[at]} ${Buffer.from(body).toString("hex")}`);
    at += 6 + length;
  }
  return frames;
}
