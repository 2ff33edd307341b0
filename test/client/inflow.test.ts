import { deflateSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { createClient } from "nano-rpc/client";
import { tcp } from "nano-rpc/client/tcp";
import { describe, expect, test } from "vitest";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import { createInflow } from "../../src/client/inflow.ts";
import { decodeMessage, encodeMessage, MessageKind } from "../../src/message/index.ts";
import { PacketType } from "../../src/packet/index.ts";
import { bytesOf, textOf } from "../support/raw-peer.ts";
import { openPair, startFakeServer, welcome } from "./fake-server.ts";

function message(kind: MessageKind, id: number, route: string | number, body: Uint8Array | string): Uint8Array {
  const compressed = typeof body !== "string";
  const named = typeof route === "string" ? { route, code: -1 } : { route: undefined, code: route };
  return encodeMessage({ kind, id, ...named, compressed, error: false }, bytesOf(body));
}

const said = (text: string): string => JSON.stringify({ name: "ann", text });
const deflated = (text: string): Uint8Array => deflateSync(bytesOf(text));

describe("deflated messages", () => {
  test("are heard in their order, between those that are not", async () => {
    await using pair = await openPair();
    const heard: string[] = [];
    const all = Promise.withResolvers<void>();
    pair.client.service(RoomClient).onSaid(({ text }) => {
      heard.push(text);
      if (text === "last") all.resolve();
    });
    const large = "a".repeat(100_000);
    for (const body of [said("first"), deflated(said(large)), said("second"), deflated(said("third")), said("last")]) {
      pair.server.sendPacket(PacketType.data, message(MessageKind.push, 0, "room.room.said", body));
    }
    await all.promise;
    expect(heard).toEqual(["first", large, "second", "third", "last"]);
  });

  test("answer requests, as errors too", async () => {
    await using pair = await openPair();
    const room = pair.client.service(RoomClient);
    const joined = room.join({ room: "lobby", name: "ann" });
    await pair.server.message();
    pair.server.sendPacket(PacketType.data, message(MessageKind.response, 1, "", deflated('{"members":["ann"]}')));
    expect((await joined).members).toEqual(["ann"]);
    const failed = room.join({ room: "lobby", name: "ann" }).result();
    await pair.server.message();
    const error = encodeMessage(
      { kind: MessageKind.response, id: 2, route: undefined, code: -1, compressed: true, error: true },
      deflated('{"code":"already_exists","msg":"there is one"}'),
    );
    pair.server.sendPacket(PacketType.data, error);
    expect(await failed).toMatchObject({ ok: false, error: { code: "already_exists", message: "there is one" } });
  });

  test("are heard before the kick that follows them", async () => {
    await using pair = await openPair();
    const heard: string[] = [];
    pair.client.service(RoomClient).onSaid(({ text }) => heard.push(text));
    pair.client.onState(({ name }) => heard.push(name));
    pair.server.sendPacket(PacketType.data, message(MessageKind.push, 0, "room.room.said", deflated(said("last words"))));
    pair.server.kick('{"code":"banned","reason":"go"}');
    expect(await pair.closed()).toMatchObject({ kind: "kicked", code: "banned" });
    expect(heard).toEqual(["last words", "closed"]);
  });

  test("are not heard by a client that was closed meanwhile", async () => {
    await using pair = await openPair();
    const heard: string[] = [];
    const room = pair.client.service(RoomClient);
    room.onSaid(({ text }) => {
      heard.push(text);
      if (text === "first") void pair.client.close();
    });
    for (const text of ["first", "second"]) {
      pair.server.sendPacket(PacketType.data, message(MessageKind.push, 0, "room.room.said", deflated(said(text))));
    }
    await pair.closed();
    await pair.server.closed();
    expect(heard).toEqual(["first"]);
  });

  test.each([
    ["a bomb", deflateSync(new Uint8Array(10_000_000))],
    ["gzip, which nobody announced", gzipSync(bytesOf(said("x")))],
    ["no zlib", bytesOf("plain")],
    ["a part of one", deflated(said("x")).subarray(0, 9)],
    ["one that holds no JSON", deflated("{")],
  ])("%s ends the connection", async (_what, body) => {
    await using pair = await openPair({ maxPacketBytes: 100_000 });
    pair.client.service(RoomClient).onSaid(() => {});
    pair.server.sendPacket(PacketType.data, message(MessageKind.push, 0, "room.room.said", body));
    expect(await pair.closed()).toMatchObject({ kind: "protocol", code: "internal" });
  });

  test("whatever is deflated, messages come in order and whole", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ text: fc.string({ maxLength: 2_000 }), small: fc.boolean() }), { maxLength: 20 }),
        async (messages) => {
          const heard: string[] = [];
          const over = Promise.withResolvers<void>();
          const inflow = createInflow({
            maxBytes: 100_000,
            deliver: ({ bodyFrom, bodyTo }, buffer) => heard.push(textOf(buffer.subarray(bodyFrom, bodyTo))),
            failed: over.reject,
          });
          for (const { text, small } of messages) {
            const bytes = message(MessageKind.push, 0, "r", small ? deflated(text) : text);
            inflow.take(decodeMessage(bytes, 0, bytes.length), bytes);
            bytes.fill(0);
          }
          inflow.end(over.resolve);
          await over.promise;
          expect(heard).toEqual(messages.map(({ text }) => text));
        },
      ),
      { numRuns: 100 },
    );
  });

  test("more than can be inflated is an error", () => {
    const inflow = createInflow({ maxBytes: 100, deliver: () => {}, failed: () => {} });
    const bytes = message(MessageKind.push, 0, "r", new Uint8Array(90));
    const take = (): void => inflow.take(decodeMessage(bytes, 0, bytes.length), bytes);
    for (let at = 0; at < 4; at++) take();
    expect(take).toThrow("more comes than can be inflated");
  });
});

describe("codes", () => {
  const dict = { "room.room.said": 7, "room.room.say": 300 };
  const answer = { ...welcome, sys: { ...welcome.sys, dict, nano: { ...welcome.sys.nano, dictionary: "table-1" } } };

  test("go both ways, in two bytes", async () => {
    await using pair = await openPair({ answer });
    const room = pair.client.service(RoomClient);
    room.say({ text: "hi" });
    expect(await pair.server.message()).toMatchObject({ kind: MessageKind.notify, code: 300, route: undefined });
    const heard = new Promise((resolve) => room.onSaid(({ text }) => resolve(text)));
    pair.server.sendPacket(PacketType.data, message(MessageKind.push, 0, 7, said("coded")));
    expect(await heard).toBe("coded");
  });

  test("a client that comes back names the dictionary that it has, and needs no other", async () => {
    await using fake = await startFakeServer();
    const client = createClient({ encoding: "json", reconnect: false, transport: tcp({ host: "127.0.0.1", port: fake.port }) });
    const room = client.service(RoomClient);
    let connecting = client.connect();
    let server = await fake.accept();
    expect((await server.open(answer)).sys.nano).toMatchObject({ dictionary: "printed" });
    await connecting;
    await client.close();

    connecting = client.connect();
    server = await fake.accept();
    const known = { ...welcome, sys: { ...welcome.sys, nano: { ...welcome.sys.nano, dictionary: "known" } } };
    expect((await server.open(known)).sys.nano).toMatchObject({ dictionary: "table-1" });
    await connecting;
    room.say({ text: "hi" });
    expect(await server.message()).toMatchObject({ kind: MessageKind.notify, code: 300 });
    await client.close();
  });

  test("and inflating can be switched off", async () => {
    await using fake = await startFakeServer();
    const transport = tcp({ host: "127.0.0.1", port: fake.port });
    const client = createClient({ encoding: "json", reconnect: false, transport, codes: false, inflate: false });
    const connecting = client.connect();
    expect((await (await fake.accept()).open()).sys.nano).toMatchObject({ codes: false, inflate: [] });
    await connecting;
    await client.close();
  });
});
