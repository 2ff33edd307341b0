import * as node from "nano-rpc/client";
import { json } from "nano-rpc/client/json";
import { tcp } from "nano-rpc/client/tcp";
import { expect, test } from "vitest";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import * as browser from "../../src/client/browser.ts";
import { startFakeServer } from "./fake-server.ts";

test("browsers get what Node gets", () => {
  expect(Object.keys(browser).sort()).toEqual(Object.keys(node).sort());
});

test("but JSON, which they bring, and are told so", async () => {
  await using fake = await startFakeServer();
  const transport = tcp({ host: "127.0.0.1", port: fake.port });
  expect(() => browser.createClient({ transport, encoding: "json" })).toThrow(
    new TypeError('encoding "json" needs its serializer in "serializers": in browsers "nano-rpc/client/json" has it'),
  );
  const client = browser.createClient({ transport, encoding: "json", serializers: [json] });
  const connecting = client.connect();
  const server = await fake.accept();
  await server.open();
  await connecting;
  const call = client.service(RoomClient).join({ room: "lobby", name: "ann" });
  const { id, text } = await server.message();
  expect(JSON.parse(text)).toEqual({ room: "lobby", name: "ann" });
  server.answer(id, '{"members":["ann"]}');
  expect((await call).members).toEqual(["ann"]);
  await client.close();
});

test("an encoding that nobody brought is refused at once", () => {
  const transport = tcp({ host: "127.0.0.1", port: 1 });
  expect(() => node.createClient({ transport, encoding: "morse" })).toThrow(
    new TypeError('encoding "morse" needs its serializer in "serializers"'),
  );
});
