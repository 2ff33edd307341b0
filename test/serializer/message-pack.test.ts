import { createServer, type Server, silentLogger, webSocket as webSocketAcceptor } from "nano-rpc";
import { createClient, NanoError, next, type Serializer, webSocket } from "nano-rpc/client";
import { afterEach, beforeEach, expect, test } from "vitest";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import { chatRooms } from "../../examples/chat/src/rooms.ts";
import { messagePack } from "../../examples/extending/src/message-pack.ts";

let server: Server;

beforeEach(async () => {
  server = createServer({
    acceptors: [webSocketAcceptor({ port: 0 })],
    services: chatRooms(),
    serializers: [messagePack],
    log: silentLogger,
  });
  await server.start();
});

afterEach(() => server.stop({ graceMs: 100 }));

const clientOf = (serializer: Serializer) =>
  createClient({
    transport: webSocket(`ws://${server.addresses["ws"]}`),
    encoding: serializer.name,
    serializers: [serializer],
  });

test("a client that speaks MessagePack and one that speaks protobuf hear each other; errors are read, too", async () => {
  const ann = clientOf(messagePack);
  const bob = createClient({ transport: webSocket(`ws://${server.addresses["ws"]}`) });
  await Promise.all([ann.connect(), bob.connect()]);
  const [annRoom, bobRoom] = [ann.service(RoomClient), bob.service(RoomClient)];
  expect((await annRoom.join({ room: "lobby", name: "ann" })).members).toEqual(["ann"]);
  expect((await bobRoom.join({ room: "lobby", name: "bob" })).members).toEqual(["ann", "bob"]);
  const [heardByAnn, heardByBob] = [next(annRoom.onSaid), next(bobRoom.onSaid)];
  annRoom.say({ text: "packed \u{1f600}" });
  expect(await heardByAnn).toMatchObject({ name: "ann", text: "packed \u{1f600}" });
  expect(await heardByBob).toMatchObject({ name: "ann", text: "packed \u{1f600}" });
  expect(await annRoom.join({ room: "lobby", name: "bob" }).result()).toMatchObject({
    ok: false,
    error: { code: "already_exists" },
  });
  await Promise.all([ann.close(), bob.close()]);
});

test.each([
  ["no MessagePack", Uint8Array.of(0xc1, 0xff)],
  ["cut short", Uint8Array.of(0xdf, 0xff)],
  ["no object", Uint8Array.of(0x07)],
  ["of another type", Uint8Array.of(0x81, 0xa4, 0x72, 0x6f, 0x6f, 0x6d, 0x07)],
  ["nested deeply", new Uint8Array(30_000).fill(0x91)],
])("a body that is %s is invalid_argument, and the connection stays", async (_what, body) => {
  const broken = clientOf({ ...messagePack, encode: () => body });
  await broken.connect();
  const answer = broken.service(RoomClient).join({ room: "lobby", name: "x" });
  await expect(answer).rejects.toThrow(NanoError);
  await expect(answer.result()).resolves.toMatchObject({ ok: false, error: { code: "invalid_argument" } });
  expect(broken.state.name).toBe("open");
  await broken.close();
});

test("who asks for an encoding that the server does not have is told so", async () => {
  const client = clientOf({ ...messagePack, name: "cbor" });
  await expect(client.connect()).rejects.toThrow('does not speak "cbor"');
});
