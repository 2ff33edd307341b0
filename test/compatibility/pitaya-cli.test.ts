import { connect as connectTls } from "node:tls";
import { createServer, silentLogger, tcp } from "nano-rpc";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { type Chat, startChat } from "../../examples/chat/src/chat.ts";
import { chatRooms } from "../../examples/chat/src/rooms.ts";
import { type RawClient, rawTcp, rawWebSocket } from "../support/raw-client.ts";
import { loadServerInfo, notify, push, request, shakeHands } from "./pitaya-cli.ts";

const transports = [
  ["TCP", (chat: Chat) => rawTcp(chat.ready.tcp ?? 0)],
  ["WebSocket", (chat: Chat) => rawWebSocket(chat.ready.ws ?? 0)],
] as const;

async function start(encoding: string): Promise<Chat> {
  return startChat({
    id: "chat",
    roles: ["gate", "room"],
    discovery: "memory",
    prefix: "/chat",
    ws: 0,
    tcp: 0,
    http: undefined,
    cluster: "127.0.0.1:0",
    tokenFile: undefined,
    encoding,
  });
}

let chat: Chat;
let open: RawClient[] = [];

afterEach(async () => {
  for (const raw of open) raw.close();
  open = [];
  await chat?.stop();
});

describe.each(transports)("the chat, over %s", (_name, connect) => {
  async function come(): Promise<RawClient> {
    const raw = await connect(chat);
    open.push(raw);
    return raw;
  }

  test("in JSON: a request, a notify, the pushes", async () => {
    chat = await start("json");
    const [ann, bob] = [await come(), await come()];
    for (const one of [ann, bob]) expect(await shakeHands(one)).toBe("json");
    ann.request(1, "room.room.join", '{"room":"lobby","name":"ann"}');
    expect((await ann.message()).text).toBe('{"members":["ann"]}');
    bob.request(1, "room.room.join", '{"room":"lobby","name":"bob"}');
    expect(JSON.parse((await bob.message()).text)).toEqual({ members: ["ann", "bob"] });
    expect(await ann.message()).toMatchObject({ route: "room.room.joined", text: '{"name":"bob"}' });
    ann.notify("room.room.say", '{"text":"hi"}');
    expect(await bob.message()).toMatchObject({ route: "room.room.said", text: '{"name":"ann","text":"hi"}' });
    bob.request(2, "room.room.join", '{"room":"lobby","name":""}');
    const failed = await bob.message();
    expect([failed.id, failed.error, JSON.parse(failed.text).code]).toEqual([2, true, "invalid_argument"]);
  });

  test("in protobuf: all it knows of the messages it has from the server", async () => {
    chat = await start("protobuf");
    const first = await come();
    expect(await shakeHands(first)).toBe("protobuf");
    const info = await loadServerInfo(first, "nano.docs");
    first.close();
    expect([...info.commands]).toEqual(
      expect.arrayContaining([
        ["room.room.join", { input: "proto.chat.v1.JoinRequest", output: "proto.chat.v1.JoinResponse" }],
        ["room.room.say", { input: "proto.chat.v1.SayRequest", output: "" }],
        ["room.room.said", { input: "", output: "proto.chat.v1.SaidResponse" }],
        ["nano.descriptors", { input: "protos.ProtoNames", output: "protos.ProtoDescriptors" }],
      ]),
    );

    const [ann, bob] = [await come(), await come()];
    for (const one of [ann, bob]) await shakeHands(one);
    expect(await request(ann, info, 1, "room.room.join", { room: "lobby", name: "ann" })).toEqual({ members: ["ann"] });
    expect(await request(bob, info, 1, "room.room.join", { room: "lobby", name: "bob" })).toEqual({ members: ["ann", "bob"] });
    expect(await push(ann, info)).toEqual({ name: "bob" });
    notify(ann, info, "room.room.say", { text: "two words" });
    expect(await push(bob, info)).toEqual({ name: "ann", text: "two words" });
  });

  test("what servers ask each other is not told", async () => {
    chat = await start("protobuf");
    const raw = await come();
    await shakeHands(raw);
    const { commands, files } = await loadServerInfo(raw, "nano.docs");
    expect([...commands.keys()].filter((route) => route.includes("Admin") || route.includes("stats"))).toEqual([]);
    const text = JSON.stringify(files);
    expect(text).toContain("JoinRequest");
    // Neither remotes' messages, nor the session's, nor options and comments.
    expect(text).not.toMatch(/Stats|ChatSession|timeout|nano\\.method|Enters a room/);
  });
});

test("without reflection there are no docs", async () => {
  const server = createServer({ log: silentLogger, encoding: "protobuf", acceptors: [tcp({ port: 0 })], services: chatRooms() });
  await server.start();
  const raw = await rawTcp(Number(server.addresses["tcp"]?.split(":").at(-1)));
  await shakeHands(raw);
  for (const route of ["nano.docs", "nano.descriptors"]) {
    raw.request(1, route, new Uint8Array(0));
    expect(await raw.message()).toMatchObject({ id: 1, error: true, text: expect.stringContaining("not_found") });
  }
  raw.close();
  await server.stop();
});

// It tries wss, ws, TLS, and TCP at last, on whatever port it is given: every wrong one must end soon (clients.md, rule 8).
describe("its search for the protocol of a port", () => {
  function tries(port: number): readonly (readonly [string, () => Promise<string>])[] {
    const socket = (url: string) => (): Promise<string> =>
      new Promise((resolve) => {
        const one = new WebSocket(url, { rejectUnauthorized: false });
        one.once("open", () => resolve("open"));
        one.once("error", () => resolve("closed"));
        one.once("close", () => one.terminate());
        one.once("open", () => one.close());
      });
    return [
      ["wss", socket(`wss://127.0.0.1:${port}`)],
      ["ws", socket(`ws://127.0.0.1:${port}`)],
      [
        "TLS",
        () =>
          new Promise((resolve) => {
            const one = connectTls({ host: "127.0.0.1", port, rejectUnauthorized: false }, () => resolve("open"));
            one.once("error", () => resolve("closed"));
            one.once("close", () => resolve("closed"));
          }),
      ],
    ];
  }

  beforeEach(async () => {
    chat = await start("json");
  });

  test.each([
    ["TCP", (): number => chat.ready.tcp ?? 0, ["closed", "closed", "closed"]],
    ["WebSocket", (): number => chat.ready.ws ?? 0, ["closed", "open", "closed"]],
  ])("on the port of %s", async (_name, port, expected) => {
    const found: string[] = [];
    for (const [, attempt] of tries(port())) found.push(await attempt());
    expect(found).toEqual(expected);
  });
});
