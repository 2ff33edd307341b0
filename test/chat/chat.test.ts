import { type Client, type ClientOptions, createClient, next, webSocket } from "nano-rpc/client";
import { tcp } from "nano-rpc/client/tcp";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import { type Chat, startChat } from "../../examples/chat/src/chat.ts";

let chat: Chat;
const clients: Client[] = [];

beforeEach(async () => {
  chat = await startChat({
    id: "chat-1",
    roles: ["gate", "room"],
    discovery: "memory",
    prefix: "/chat",
    ws: 0,
    tcp: 0,
    http: undefined,
    cluster: "127.0.0.1:0",
    tokenFile: undefined,
  });
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await chat.stop();
});

async function connect(over: "ws" | "tcp", options: Omit<ClientOptions, "transport"> = {}): Promise<Client> {
  const { ready } = chat;
  const transport = over === "ws" ? webSocket(`ws://127.0.0.1:${ready.ws}`) : tcp({ host: "127.0.0.1", port: ready.tcp ?? 0 });
  const client = createClient({ transport, ...options });
  clients.push(client);
  await client.connect();
  return client;
}

describe("the chat in one process", () => {
  for (const over of ["ws", "tcp"] as const) {
    for (const encoding of ["protobuf", "json"] as const) {
      test(`over ${over} in ${encoding}: join, say, hear, leave`, async () => {
        const ann = (await connect(over, { encoding })).service(RoomClient);
        const bobs = await connect("tcp");
        const bob = bobs.service(RoomClient);
        expect((await ann.join({ room: "lobby", name: "ann" })).members).toEqual(["ann"]);
        const came = next(ann.onJoined);
        expect((await bob.join({ room: "lobby", name: "bob" })).members).toEqual(["ann", "bob"]);
        expect((await came).name).toBe("bob");
        const heard = Promise.all([next(ann.onSaid), next(bob.onSaid)]);
        ann.say({ text: "hi 😀" });
        for (const said of await heard) expect(said).toMatchObject({ name: "ann", text: "hi 😀" });
        const left = next(ann.onLeft);
        await bobs.close();
        expect((await left).name).toBe("bob");
      });
    }
  }

  test("a name is taken once, and the same session may join again", async () => {
    const ann = (await connect("ws")).service(RoomClient);
    const other = (await connect("ws", { encoding: "json" })).service(RoomClient);
    await ann.join({ room: "lobby", name: "ann" });
    const refused = await other.join({ room: "lobby", name: "ann" }).result();
    expect(refused.ok ? "joined" : [refused.error.code, refused.error.declared]).toEqual(["already_exists", true]);
    expect((await ann.join({ room: "lobby", name: "ann" })).members).toEqual(["ann"]);
  });

  test.each([
    ["", "ann"],
    ["lobby", ""],
    ["r".repeat(33), "ann"],
    ["lobby", "n".repeat(33)],
  ])("room %j and name %j are invalid_argument", async (room, name) => {
    const ann = (await connect("ws")).service(RoomClient);
    await expect(ann.join({ room, name })).rejects.toMatchObject({ code: "invalid_argument" });
  });

  test("32 characters fit, whatever their bytes", async () => {
    const ann = (await connect("ws")).service(RoomClient);
    expect((await ann.join({ room: "😀".repeat(32), name: "ä".repeat(32) })).members).toHaveLength(1);
  });

  test("a notify of a session without a user comes back as nano.failed", async () => {
    const client = await connect("ws");
    const failed = next(client.onFailed);
    client.service(RoomClient).say({ text: "hi" });
    expect(await failed).toMatchObject({ route: "room.room.say" });
  });
});
