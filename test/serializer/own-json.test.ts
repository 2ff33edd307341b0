import { fromJson, toJson } from "@bufbuild/protobuf";
import { createServer, type Serializer, type Server, silentLogger, tcp } from "nano-rpc";
import { afterEach, beforeEach, expect, test } from "vitest";
import { chatRooms } from "../../examples/chat/src/rooms.ts";
import { type RawClient, rawTcp } from "../support/raw-client.ts";

// All fields, as Go's encoding/json writes them.
const goJson: Serializer = {
  name: "json",
  encode: (schema, message) => new TextEncoder().encode(JSON.stringify(toJson(schema, message, { alwaysEmitImplicit: true }))),
  decode: (schema, bytes) => fromJson(schema, JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes))),
};

let server: Server;
let client: RawClient;

beforeEach(async () => {
  server = createServer({
    acceptors: [tcp({ port: 0, host: "127.0.0.1" })],
    services: chatRooms(),
    serializers: [goJson],
    encoding: "json",
    log: silentLogger,
  });
  await server.start();
  client = await rawTcp(Number(server.addresses["tcp"]?.split(":").at(-1)));
});

afterEach(async () => {
  client.close();
  await server.stop({ graceMs: 100 });
});

test("an encoding named json stands in the place of nano's, for answers, pushes and errors", async () => {
  await client.open({ sys: { platform: "linux", libVersion: "0.3.5" } });
  client.request(1, "room.room.join", '{"room":"lobby","name":"an\u{1f600}"}');
  expect((await client.message()).text).toBe('{"members":["an\u{1f600}"]}');
  client.notify("room.room.say", '{"text":""}');
  expect(await client.message()).toMatchObject({ route: "room.room.said", text: '{"name":"an\u{1f600}","text":""}' });
  client.request(2, "room.room.join", "[]");
  const { text } = await client.message();
  expect(JSON.parse(text)).toMatchObject({ code: "invalid_argument", metadata: {}, details: [] });
});

test("pomelo's JavaScript clients read it in ASCII, and write it as CESU-8", async () => {
  await client.open({ sys: { type: "js-websocket" } });
  const name = Buffer.from([0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80]);
  client.request(1, "room.room.join", Buffer.concat([Buffer.from('{"room":"lobby","name":"'), name, Buffer.from('"}')]));
  expect((await client.message()).text).toBe('{"members":["\\ud83d\\ude00"]}');
});
