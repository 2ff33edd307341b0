// What an application can do itself for clients that were written for another server.
import { create, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import { NanoError, type Serializer, type ServerOptions, sessionHooks } from "nano-rpc";
import { afterEach, describe, expect, test } from "vitest";
import {
  ChatSessionSchema,
  JoinRequestSchema,
  JoinResponseSchema,
  SaidResponseSchema,
} from "../../examples/chat/gen/chat/v1/chat_pb.ts";
import { chatRooms } from "../../examples/chat/src/rooms.ts";
import { ErrorSchema } from "../../gen/nano/client/v1/client_pb.ts";
import { createJsonSerializer } from "../../src/serializer/index.ts";
import { type EdgeOptions, type EdgeServer, firstRoom, startEdge } from "../frontend/edge-server.ts";
import { type RawClient, rawTcp } from "../support/raw-client.ts";
import { vector } from "../vectors/vectors.ts";
import { startServer } from "./started.ts";

const jsClient = { sys: { type: "js-websocket", version: "0.0.1" }, user: {} };
const libpitaya = { sys: { platform: "mac", libVersion: "0.3.5", clientBuildNumber: "20", clientVersion: "2.1" }, user: {} };

let edge: EdgeServer | undefined;
let open: RawClient[] = [];

afterEach(async () => {
  for (const raw of open) raw.close();
  open = [];
  await edge?.[Symbol.asyncDispose]();
  edge = undefined;
});

async function come(options: EdgeOptions, client: object = jsClient): Promise<RawClient> {
  edge ??= await startEdge(options);
  const raw = await rawTcp(edge.tcp);
  open.push(raw);
  await raw.open(client);
  return raw;
}

describe("unknownRoute", () => {
  test("sends what an old client asks to where it is answered now", async () => {
    const raw = await come({
      unknownRoute: ({ route }) => (route === "connector.entryHandler.entry" ? { route: "a.b" } : undefined),
    });
    raw.request(1, "connector.entryHandler.entry", '{"room":"r","name":"n"}');
    raw.request(2, "connector.entryHandler.gone");
    expect(await raw.message()).toMatchObject({ id: 1, text: '{"members":["r","n"]}' });
    const failed = await raw.message();
    expect([failed.id, JSON.parse(failed.text).code]).toEqual([2, "not_found"]);
  });

  test.each([
    ["at once", <T>(value: T): T | Promise<T> => value],
    ["later", <T>(value: T): T | Promise<T> => Promise.resolve(value)],
  ])("answers %s, in the client's encoding, with what the body says", async (_when, give) => {
    const raw = await come({
      unknownRoute: (message) => {
        const { room } = message.read(JoinRequestSchema);
        const { session, kind, family } = message;
        const members = [room, kind, family, session.client.version, String(session.user)];
        return give({ schema: JoinResponseSchema, message: create(JoinResponseSchema, { members }) });
      },
    });
    raw.request(1, "old.route", '{"room":"😀"}');
    const answer = await raw.message();
    expect(answer.text).toBe('{"members":["\\ud83d\\ude00","request","pomelo","0.0.1","undefined"]}');
  });

  test("what it throws is the answer; other errors are internal", async () => {
    const raw = await come({
      unknownRoute: async ({ route, read }) => {
        if (route === "old.body") read(JoinRequestSchema);
        if (route === "old.gone") throw new NanoError({ code: "failed_precondition", message: "update your client" });
        throw new TypeError("a secret");
      },
    });
    const errors: unknown[] = [];
    for (const [route, body] of [
      ["old.gone", "{}"],
      ["old.else", "{}"],
      ["old.body", "no json"],
    ] as const) {
      raw.request(errors.length + 1, route, body);
      const { code, msg } = JSON.parse((await raw.message()).text);
      errors.push([code, msg]);
    }
    expect(errors).toEqual([
      ["failed_precondition", "update your client"],
      ["internal", expect.not.stringContaining("secret")],
      ["invalid_argument", expect.any(String)],
    ]);
  });

  test("is not asked for routes that are there, and cannot send messages round and round", async () => {
    const asked: string[] = [];
    const raw = await come({
      unknownRoute: ({ route }) => {
        asked.push(route);
        return { route: "old.other" };
      },
    });
    raw.request(1, "a.b");
    expect((await raw.message()).id).toBe(1);
    raw.request(2, "old.route");
    expect(JSON.parse((await raw.message()).text).code).toBe("not_found");
    expect(asked).toEqual(["old.route"]);
  });

  test("a method has one limit, by whatever routes it is called", async () => {
    const raw = await come({ unknownRoute: ({ route }) => (route.startsWith("old.") ? { route: "edge.often" } : undefined) });
    const codes: unknown[] = [];
    for (let id = 1; id <= 12; id++) {
      raw.request(id, `old.route${id}`);
      codes.push(JSON.parse((await raw.message()).text).code);
    }
    expect(codes[0]).toBeUndefined();
    expect(codes.at(-1)).toBe("resource_exhausted");
  });

  test("a notify is not answered", async () => {
    const raw = await come({ unknownRoute: () => ({ schema: JoinResponseSchema, message: create(JoinResponseSchema) }) });
    raw.notify("old.told");
    raw.request(1, "a.b");
    expect((await raw.message()).id).toBe(1);
  });

  test("messages that wait for it count among those in flight", async () => {
    const waiting: (() => void)[] = [];
    const raw = await come({
      limits: { inFlight: 2 },
      unknownRoute: () => new Promise((resolve) => waiting.push(() => resolve({ route: "a.b" }))),
    });
    for (const id of [1, 2, 3]) raw.request(id, "old.route");
    const refused = await raw.message();
    expect([refused.id, JSON.parse(refused.text).code]).toEqual([3, "resource_exhausted"]);
    for (const resolve of waiting) resolve();
    expect([(await raw.message()).id, (await raw.message()).id]).toEqual([1, 2]);
  });
});

describe("describeError", () => {
  const pitayas: NonNullable<ServerOptions["describeError"]> = (error, { route, family }) => {
    if (family !== "pitaya") return new NanoError({ code: error.code, message: `so not: ${route}` });
    const message = create(ErrorSchema, { code: error.code === "not_found" ? "PIT-404" : "PIT-000", msg: error.message });
    return { schema: ErrorSchema, message };
  };

  test("gives other words, or another body, as the client's family expects it", async () => {
    const raw = await come({ describeError: pitayas });
    raw.request(1, "a.c");
    expect(JSON.parse((await raw.message()).text)).toEqual({ code: "not_found", msg: "so not: a.c" });
    const other = await come({}, libpitaya);
    other.request(1, "edge.fail");
    expect(await other.message()).toMatchObject({ id: 1, error: true, text: '{"code":"PIT-404","msg":"no such thing"}' });
  });

  test("the answer of Pitaya, byte for byte", async () => {
    const raw = await come(
      {
        describeError: () => ({
          schema: ErrorSchema,
          message: create(ErrorSchema, { code: "PIT-404", msg: "pitaya/handler: chat.room.nope not found" }),
        }),
      },
      libpitaya,
    );
    raw.request(2, "chat.room.nope");
    const { type, body } = await raw.packet();
    const expected = vector("V20").hex.replaceAll(" ", "");
    expect(Buffer.from([type, 0, 0, body.length]).toString("hex") + Buffer.from(body).toString("hex")).toBe(expected);
  });

  test("where it throws, the error is told as it was", async () => {
    const raw = await come({
      describeError() {
        throw new Error("a bug");
      },
    });
    raw.request(1, "edge.fail");
    expect(JSON.parse((await raw.message()).text)).toMatchObject({ code: "not_found", msg: "no such thing" });
  });
});

describe("what a handshake brings under user", () => {
  test("reaches authenticate, and the session's data, with a user or without", async () => {
    const opened: unknown[] = [];
    await come(
      {
        authenticate: ({ user, platform }) => {
          const { room, name } = user as { readonly room: string; readonly name?: string };
          return { ...(name === undefined ? {} : { user: name }), data: firstRoom(`${room} of ${platform}`) };
        },
        sessions: [sessionHooks(ChatSessionSchema, { onOpen: ({ user, data }) => opened.push([user, data.room]) })],
      },
      { ...libpitaya, user: { room: "lobby" } },
    );
    const bob = await come({}, { ...jsClient, user: { room: "attic", name: "bob" } });
    bob.request(1, "edge.who");
    expect((await bob.message()).text).toBe('{"members":["bob","attic of js-websocket"]}');
    expect(opened).toEqual([
      [undefined, "lobby of mac"],
      ["bob", "attic of js-websocket"],
    ]);
  });
});

describe("a route of two parts", () => {
  test("means this server, whichever of its types has it", async () => {
    await using chat = await startServer({ types: ["gate"], services: chatRooms() });
    const raw = await rawTcp(chat.port);
    await raw.open(jsClient);
    raw.request(1, "room.join", '{"room":"lobby","name":"ann"}');
    expect(await raw.message()).toMatchObject({ id: 1, text: '{"members":["ann"]}' });
    raw.notify("room.say", '{"text":"hi"}');
    expect((await raw.message()).text).toBe('{"name":"ann","text":"hi"}');
    for (const [id, route] of [
      [2, "room.nothing"],
      [3, "join"],
      [4, "roomAdmin.stats"],
      [5, "room.room.room.join"],
    ] as const) {
      raw.request(id, route);
      const failed = await raw.message();
      expect([failed.id, JSON.parse(failed.text).code]).toEqual([id, "not_found"]);
    }
    raw.close();
  });
});

test("a push to many is encoded once for each encoding, however many have it, deflated and coded or not", async () => {
  const encoded: string[] = [];
  const counting = (name: string): Serializer => {
    const json = createJsonSerializer();
    return {
      ...json,
      name,
      encode<S extends DescMessage>(schema: S, message: MessageShape<S>): Uint8Array {
        if (schema.typeName === SaidResponseSchema.typeName) encoded.push(name);
        return json.encode(schema, message);
      },
    };
  };
  await using chat = await startServer({ services: chatRooms(), serializers: [counting("one"), counting("two")] });
  const text = "a long line, ".repeat(200);
  const clients = await Promise.all(
    Array.from({ length: 12 }, async (_, at) => {
      const raw = await rawTcp(chat.port);
      const nano = { v: 1, codes: at % 3 === 0, inflate: at % 2 === 0 ? ["zlib"] : [] };
      await raw.open({ sys: { serializer: at < 8 ? "one" : "two", nano } });
      raw.request(1, "room.room.join", `{"room":"lobby","name":"client ${at}"}`);
      return raw;
    }),
  );
  for (const raw of clients) while ((await raw.message()).id !== 1);
  clients[0]?.notify("room.room.say", JSON.stringify({ text }));
  const compressed: boolean[] = [];
  for (const raw of clients) {
    let push = await raw.message();
    while (push.body.length < 50) push = await raw.message();
    compressed.push(push.compressed);
  }
  expect(compressed).toEqual(clients.map((_, at) => at % 2 === 0));
  expect(encoded.sort()).toEqual(["one", "two"]);
  for (const raw of clients) raw.close();
});
