import { create, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { type Client, type ClientService, createClient, type NanoError } from "nano-rpc/client";
import { tcp } from "nano-rpc/client/tcp";
import { describe, expect, test } from "vitest";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import { RoomHandler } from "../../examples/chat/gen/chat/v1/chat_nano.ts";
import { ErrorSchema } from "../../gen/nano/client/v1/client_pb.ts";
import { createVirtualClock } from "../../src/clock/index.ts";
import { LoginClient } from "../schema/gen/game/v1/game_client.ts";
import { BannedSchema } from "../schema/gen/game/v1/game_pb.ts";
import { openPair, startFakeServer } from "./fake-server.ts";

const ann = { room: "lobby", name: "ann" };

/** The error that a call ends with. */
async function errorOf(call: Promise<unknown>): Promise<NanoError> {
  return call.then(
    () => {
      throw new Error("it did not fail");
    },
    (reason: NanoError) => reason,
  );
}

describe("a request", () => {
  test("goes with its route and body, and takes its own answer, in any order", async () => {
    await using pair = await openPair();
    const room = pair.client.service(RoomClient);
    const calls = [room.join(ann), room.join({ room: "other", name: "bob" })];
    const [one, two] = [await pair.server.message(), await pair.server.message()];
    expect([one.route, JSON.parse(one.text), JSON.parse(two.text)]).toEqual([
      "room.room.join",
      ann,
      { room: "other", name: "bob" },
    ]);
    expect(two.id).not.toBe(one.id);
    pair.server.answer(two.id, '{"members":["bob"]}');
    pair.server.answer(one.id, '{"members":["ann"]}');
    expect((await Promise.all(calls)).map(({ members }) => members)).toEqual([["ann"], ["bob"]]);
  });

  test("is given up at its deadline; the late answer changes nothing", async () => {
    const clock = createVirtualClock();
    await using pair = await openPair({ clock });
    const room = pair.client.service(RoomClient);
    const slow = room.join(ann, { timeoutMs: 100 });
    const { id } = await pair.server.message();
    clock.moveTo(clock.now() + 50);
    expect(pair.client.state.name).toBe("open");
    clock.moveTo(clock.now() + 100);
    expect(await errorOf(slow)).toMatchObject({ code: "deadline_exceeded", declared: false });
    pair.server.answer(id, '{"members":["late"]}');
    const next = room.join(ann);
    pair.server.answer((await pair.server.message()).id, "{}");
    expect((await next).members).toEqual([]);
  });

  test.each([
    ["the call's own", { timeoutMs: 100 }, 1_000, 100],
    ["the schema's", {}, 1_000, 3_000],
  ])("has a deadline: %s", async (_whose, options, timeoutMs, expectedMs) => {
    const clock = createVirtualClock();
    await using pair = await openPair({ clock, timeoutMs });
    const error = errorOf(pair.client.service(RoomClient).join(ann, options));
    await pair.server.message();
    let over = false;
    void error.then(() => {
      over = true;
    });
    clock.moveTo(clock.now() + expectedMs - 60);
    await Promise.resolve();
    expect(over).toBe(false);
    clock.moveTo(clock.now() + 120);
    expect((await error).code).toBe("deadline_exceeded");
  });

  test("has the client's deadline where the schema says nothing", async () => {
    const clock = createVirtualClock();
    await using pair = await openPair({ clock, timeoutMs: 700 });
    const error = errorOf(pair.client.service(LoginClient).login({ token: "t" }));
    await pair.server.message();
    clock.moveTo(clock.now() + 750);
    expect((await error).message).toContain("700 ms");
  });

  test("is given up by a signal, before and after it was sent", async () => {
    await using pair = await openPair();
    const room = pair.client.service(RoomClient);
    const controller = new AbortController();
    const sent = errorOf(room.join(ann, { signal: controller.signal }));
    const { id } = await pair.server.message();
    controller.abort(new Error("changed my mind"));
    expect(await sent).toMatchObject({ code: "canceled", cause: new Error("changed my mind") });
    expect((await errorOf(room.join(ann, { signal: controller.signal }))).code).toBe("canceled");
    pair.server.answer(id, "{}");
    // The one that was given up at once was never sent: the next message is this one.
    const next = room.join({ room: "next" });
    const message = await pair.server.message();
    expect(JSON.parse(message.text)).toEqual({ room: "next" });
    pair.server.answer(message.id, "{}");
    await next;
  });

  test("of AbortSignal.timeout ends with deadline_exceeded or canceled, never hangs", async () => {
    await using pair = await openPair();
    const error = await errorOf(pair.client.service(RoomClient).join(ann, { signal: AbortSignal.timeout(20) }));
    expect(["deadline_exceeded", "canceled"]).toContain(error.code);
  });

  test("an answer that is no such message is internal, and costs nobody else", async () => {
    await using pair = await openPair();
    const room = pair.client.service(RoomClient);
    const call = errorOf(room.join(ann));
    pair.server.answer((await pair.server.message()).id, '{"members":5}');
    expect((await call).code).toBe("internal");
    expect(pair.client.state.name).toBe("open");
  });

  test("result() never throws", async () => {
    await using pair = await openPair();
    const call = pair.client.service(RoomClient).join(ann).result();
    pair.server.fail((await pair.server.message()).id, '{"code":"already_exists","msg":"taken"}');
    expect(await call).toMatchObject({ ok: false, error: { code: "already_exists", message: "taken", declared: true } });
  });
});

describe("when the socket drops", () => {
  test("every pending request settles once, as unavailable with an unknown outcome", async () => {
    await using pair = await openPair();
    const room = pair.client.service(RoomClient);
    let settled = 0;
    const calls = Array.from({ length: 20 }, () =>
      errorOf(room.join(ann)).finally(() => {
        settled++;
      }),
    );
    for (const _ of calls) await pair.server.message();
    pair.server.close();
    for (const error of await Promise.all(calls)) {
      expect(error).toMatchObject({ code: "unavailable", metadata: { outcome: "unknown" } });
    }
    expect(settled).toBe(20);
    expect(await pair.closed()).toMatchObject({ kind: "lost" });
    expect(pair.states.map(({ name }) => name)).toEqual(["closed"]);
    expect((await errorOf(room.join(ann))).code).toBe("unavailable");
    expect(() => room.say({ text: "hi" })).toThrow(expect.objectContaining({ code: "unavailable" }));
  });

  test("close() does the same", async () => {
    await using pair = await openPair();
    const call = errorOf(pair.client.service(RoomClient).join(ann));
    await pair.server.message();
    await pair.client.close();
    expect(await call).toMatchObject({ code: "unavailable", metadata: { outcome: "unknown" } });
    expect(await pair.closed()).toMatchObject({ kind: "left" });
    await pair.server.closed();
    await pair.client.close();
    expect(pair.states.map(({ name }) => name)).toEqual(["closed"]);
  });

  test("what was said before close() is still sent", async () => {
    await using pair = await openPair();
    pair.client.service(RoomClient).say({ text: "bye" });
    await pair.client.close();
    expect(JSON.parse((await pair.server.message()).text)).toEqual({ text: "bye" });
  });
});

describe("before the connection", () => {
  async function idle(options: { readonly queueMessages?: number } = {}) {
    const fake = await startFakeServer();
    const client: Client = createClient({ encoding: "json", transport: tcp({ host: "127.0.0.1", port: fake.port }), ...options });
    return {
      client,
      fake,
      async [Symbol.asyncDispose]() {
        await client.close();
        await fake[Symbol.asyncDispose]();
      },
    };
  }

  test("messages wait, and go in order", async () => {
    await using pair = await idle();
    const room = pair.client.service(RoomClient);
    const call = room.join(ann);
    room.say({ text: "one" });
    const connecting = pair.client.connect();
    room.say({ text: "two" });
    const server = await pair.fake.accept();
    await server.open();
    await connecting;
    room.say({ text: "three" });
    const messages = [await server.message(), await server.message(), await server.message(), await server.message()];
    expect(messages.map(({ text }) => JSON.parse(text))).toEqual([ann, { text: "one" }, { text: "two" }, { text: "three" }]);
    server.answer(messages[0]?.id ?? 0, "{}");
    await call;
  });

  test("over the bound they are refused with resource_exhausted", async () => {
    await using pair = await idle({ queueMessages: 2 });
    const room = pair.client.service(RoomClient);
    const controller = new AbortController();
    const given = errorOf(room.join(ann, { signal: controller.signal }));
    const waits = errorOf(room.join(ann));
    expect((await errorOf(room.join(ann))).code).toBe("resource_exhausted");
    expect(() => room.say({ text: "hi" })).toThrow(expect.objectContaining({ code: "resource_exhausted" }));
    // What is given up makes room.
    controller.abort();
    await given;
    room.say({ text: "hi" });
    await pair.client.close();
    expect((await waits).code).toBe("unavailable");
  });

  test("one that cannot be written fails alone", async () => {
    await using pair = await idle();
    const room = pair.client.service(RoomClient);
    const broken = errorOf(room.join({ room: "\ud800", name: 5 as unknown as string }));
    const call = room.join(ann);
    const connecting = pair.client.connect();
    const server = await pair.fake.accept();
    await server.open();
    await connecting;
    const message = await server.message();
    expect(JSON.parse(message.text)).toEqual(ann);
    server.answer(message.id, "{}");
    await call;
    expect((await broken).code).toBe("internal");
  });
});

describe("errors", () => {
  const banned = create(BannedSchema, { reason: "cheating", untilMs: 5n });

  test("a declared one carries its detail in JSON", async () => {
    await using pair = await openPair();
    const call = errorOf(pair.client.service(LoginClient).login({ token: "t" }));
    const json = {
      code: "permission_denied",
      msg: "banned",
      metadata: { since: "today" },
      details: [{ "@type": "type.googleapis.com/game.v1.Banned", reason: "cheating", untilMs: "5" }],
    };
    pair.server.fail((await pair.server.message()).id, JSON.stringify(json));
    const error = await call;
    expect(error).toMatchObject({ code: "permission_denied", message: "banned", declared: true, metadata: { since: "today" } });
    expect(error.detail).toEqual(banned);
  });

  test("and in protobuf", async () => {
    await using pair = await openPair({
      encoding: "protobuf",
      answer: { code: 200, sys: { heartbeat: 10, serializer: "protobuf" } },
    });
    const call = errorOf(pair.client.service(LoginClient).login({ token: "t" }));
    const wire = create(ErrorSchema, { code: "permission_denied", msg: "banned", details: [anyPack(BannedSchema, banned)] });
    pair.server.fail((await pair.server.message()).id, toBinary(ErrorSchema, wire));
    const error = await call;
    expect(error).toMatchObject({ code: "permission_denied", message: "banned", declared: true });
    expect(error.detail).toEqual(banned);
  });

  test.each([
    ["a detail that nobody knows", { code: "permission_denied", details: [{ "@type": "x/a.B" }] }, ["permission_denied", false]],
    ["a code that is not declared", { code: "aborted", msg: "no" }, ["aborted", false]],
    ["a code that is none", { code: "PIT-404", msg: "no" }, ["unknown", false]],
    ["no object", 5, ["unknown", false]],
    ["null", null, ["unknown", false]],
  ])("%s", async (_what, json, expected) => {
    await using pair = await openPair();
    const call = errorOf(pair.client.service(LoginClient).login({ token: "t" }));
    pair.server.fail((await pair.server.message()).id, JSON.stringify(json));
    const error = await call;
    expect([error.code, error.declared, error.detail]).toEqual([...expected, undefined]);
    expect(pair.client.state.name).toBe("open");
  });
});

test("service() of a server's const says what to take instead", () => {
  const client = createClient({ transport: tcp({ host: "127.0.0.1", port: 1 }) });
  // What a compiler would refuse, plain JavaScript may do.
  const wrong = RoomHandler as unknown as ClientService<unknown>;
  expect(() => client.service(wrong)).toThrow(
    new TypeError("chat.v1.RoomService is a handler here: clients take what *_client.ts exports"),
  );
});
