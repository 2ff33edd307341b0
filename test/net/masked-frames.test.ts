import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { connectWebSocket } from "../../src/net/index.ts";

let server: WebSocketServer;
let url: string;
beforeEach(async () => {
  server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterEach(() => new Promise((closed) => server.close(closed)));

/** A client of nano's, and the end of it that `ws` has. */
async function pair() {
  const accepted = once(server, "connection");
  const closed = Promise.withResolvers<Error | undefined>();
  const events = { data() {}, drain() {}, closed: (error?: Error) => closed.resolve(error) };
  const client = await connectWebSocket(url, {}, events, new AbortController().signal);
  const [peer] = (await accepted) as [WebSocket];
  return { client, peer, closed: closed.promise };
}

/** Bytes that are different at each place within 251. */
const message = (length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => at % 251);

test("messages of every form of length arrive as they were, in order, those of one turn with those before the end", async () => {
  const { client, peer, closed } = await pair();
  const heard: Buffer[] = [];
  peer.on("message", (data: Buffer, isBinary: boolean) => isBinary && heard.push(data));
  const gone = once(peer, "close");
  const lengths = [0, 1, 2, 3, 4, 5, 124, 125, 126, 127, 4_095, 65_535, 65_536, 300_000, 7];
  for (const length of lengths) expect(client.write(message(length))).toBe(true);
  expect(client.queuedBytes).toBeGreaterThanOrEqual(300_000);
  client.end();
  expect(client.write(message(1))).toBe(false);
  const [code] = (await gone) as [number];
  expect(code).toBe(1000);
  expect(heard.map(({ length }) => length)).toEqual(lengths);
  for (const data of heard) expect(Buffer.compare(data, message(data.length))).toBe(0);
  expect(await closed).toBeUndefined();
  expect(client.queuedBytes).toBe(0);
});

test("no mask comes twice in a row, and what was written is not touched", async () => {
  const { client, peer } = await pair();
  const raw: Buffer[] = [];
  // Past `ws`: the frames as they are.
  const socket = (peer as unknown as { readonly _socket: NodeJS.ReadableStream })._socket;
  socket.on("data", (bytes: Buffer) => raw.push(Buffer.from(bytes)));
  const count = 3_000;
  const heard = new Promise<void>((resolve) => {
    let left = count;
    peer.on("message", () => --left === 0 && resolve());
  });
  const written = message(4);
  for (let at = 0; at < count; at++) client.write(written);
  await heard;
  expect([...written]).toEqual([0, 1, 2, 3]);
  const frames = Buffer.concat(raw);
  const masks = new Set(Array.from({ length: count }, (_, at) => frames.readUInt32BE(at * 10 + 2)));
  expect(masks.size).toBeGreaterThan(count - 10);
  client.end();
});

test("a ping is answered among what is written", async () => {
  const { client, peer } = await pair();
  const heard: string[] = [];
  peer.on("message", (data: Buffer) => heard.push(`message ${data.length}`)).on("pong", (data) => heard.push(`pong ${data}`));
  client.write(message(200));
  peer.ping("are you there");
  await once(peer, "pong");
  client.write(message(3));
  await once(peer, "message");
  expect(heard).toEqual(["message 200", "pong are you there", "message 3"]);
  client.end();
});

test("what waits when the server says goodbye is not written behind the answer to it", async () => {
  const { client, peer, closed } = await pair();
  const heard: number[] = [];
  peer.on("message", (data: Buffer) => heard.push(data.length));
  const errors: unknown[] = [];
  peer.on("error", (error) => errors.push(error));
  peer.close(1000);
  const over = once(peer, "close");
  await closed;
  expect(client.write(message(1))).toBe(false);
  await over;
  expect({ heard, errors }).toEqual({ heard: [], errors: [] });
});
