import fc from "fast-check";
import { type Client, type ClientOptions, type ClientState, createClient, webSocket } from "nano-rpc/client";
import { tcp } from "nano-rpc/client/tcp";
import { describe, expect, test, vi } from "vitest";
import { WebSocketServer } from "ws";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import { createVirtualClock } from "../../src/clock/index.ts";
import { encodeCount, encodePacket, PacketType } from "../../src/packet/index.ts";
import { bytesOf, textOf } from "../support/raw-peer.ts";
import { closeOf, type FakeServer, openPair, startFakeServer, welcome } from "./fake-server.ts";

interface Started extends AsyncDisposable {
  readonly fake: FakeServer;
  readonly client: Client;
  readonly states: ClientState[];
}

/** A client that has not connected. */
async function start(options: Omit<ClientOptions, "transport"> = {}): Promise<Started> {
  const fake = await startFakeServer();
  const client = createClient({
    encoding: "json",
    reconnect: false,
    ...options,
    transport: tcp({ host: "127.0.0.1", port: fake.port }),
  });
  const states: ClientState[] = [];
  client.onState((state) => states.push(state));
  return {
    fake,
    client,
    states,
    async [Symbol.asyncDispose]() {
      await client.close();
      await fake[Symbol.asyncDispose]();
    },
  };
}

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "connected",
    (reason: unknown) => reason,
  );

describe("connect()", () => {
  test("says who it is, and is open with the server's id of the session", async () => {
    await using started = await start({ handshake: { platform: "test", version: "1.2", user: { token: "t" } } });
    const { client, fake, states } = started;
    expect(client.state).toEqual({ name: "idle" });
    const connecting = client.connect();
    const said = await (await fake.accept()).open();
    expect(said).toEqual({
      sys: {
        platform: "test",
        clientVersion: "1.2",
        serializer: "json",
        nano: { v: 1, fingerprint: "", codes: true, inflate: ["zlib"], dictionary: "printed" },
      },
      user: { token: "t" },
    });
    await connecting;
    expect(states).toEqual([
      { name: "connecting", attempt: 1 },
      { name: "open", via: "first", session: "s1" },
    ]);
    await client.connect();
    expect(states).toHaveLength(2);
  });

  test("asked twice at once, also by a listener, connects once", async () => {
    await using started = await start();
    const { client, fake } = started;
    let inner: Promise<void> | undefined;
    client.onState(({ name }) => {
      if (name === "connecting") inner = client.connect();
    });
    const both = [client.connect(), client.connect()];
    await (await fake.accept()).open();
    await Promise.all([...both, inner]);
    expect(started.states.map(({ name }) => name)).toEqual(["connecting", "open"]);
  });

  test.each([
    [
      "by a kick",
      { code: 400, sys: {}, message: "no" },
      '{"code":"unauthenticated","reason":"who are you?"}',
      { code: "unauthenticated", message: "who are you?" },
      "unauthenticated",
    ],
    [
      "by a kick of the application",
      { code: 400 },
      '{"code":"banned","reason":"go away"}',
      { code: "permission_denied", metadata: { code: "banned" } },
      "banned",
    ],
    ["as busy", { code: 503 }, '{"code":"busy","reason":"full"}', { code: "unavailable", metadata: { code: "busy" } }, "busy"],
    ["by its answer alone", { code: 500, message: "no" }, undefined, { code: "unavailable", message: "no" }, "unavailable"],
  ])("refused %s", async (_how, answer, kick, error, code) => {
    await using started = await start();
    const { client, fake } = started;
    const outcome = failure(client.connect());
    const server = await fake.accept();
    await server.packet();
    server.sendPacket(PacketType.handshake, JSON.stringify(answer));
    if (kick !== undefined) server.kick(kick);
    else server.close();
    expect(await outcome).toMatchObject(error);
    expect(client.state).toMatchObject({ name: "closed", reason: { kind: "kicked", code } });
  });

  test("refused, and then left alone", async () => {
    const clock = createVirtualClock();
    await using started = await start({ clock });
    const outcome = failure(started.client.connect());
    const server = await started.fake.accept();
    await server.packet();
    server.sendPacket(PacketType.handshake, '{"code":400,"message":"no"}');
    // A heartbeat's answer says that what was sent before it is read.
    server.sendPacket(PacketType.heartbeat);
    await server.packet();
    clock.moveTo(10_000);
    expect(await outcome).toMatchObject({ message: "no" });
    await server.closed();
  });

  test("nobody answers the handshake: deadline_exceeded", async () => {
    const clock = createVirtualClock();
    await using started = await start({ clock, connectTimeoutMs: 2_000 });
    const outcome = failure(started.client.connect());
    const server = await started.fake.accept();
    await server.packet();
    clock.moveTo(1_900);
    expect(started.client.state.name).toBe("connecting");
    clock.moveTo(2_000);
    expect(await outcome).toMatchObject({ code: "deadline_exceeded" });
    await server.closed();
  });

  test("nobody listens: unavailable, and it may be tried again", async () => {
    const gone = await startFakeServer();
    await gone[Symbol.asyncDispose]();
    const client = createClient({ transport: tcp({ host: "127.0.0.1", port: gone.port }) });
    for (let attempt = 0; attempt < 2; attempt++) {
      expect(await failure(client.connect())).toMatchObject({ code: "unavailable" });
      expect(client.state).toMatchObject({ name: "closed", reason: { kind: "lost", code: "unavailable" } });
    }
  });

  test("given up by a signal", async () => {
    await using started = await start();
    const { client, fake } = started;
    const controller = new AbortController();
    const outcome = failure(client.connect({ signal: controller.signal }));
    const server = await fake.accept();
    await server.packet();
    controller.abort();
    expect(await outcome).toMatchObject({ code: "canceled" });
    await server.closed();
    // A signal that is over already changes nothing, and is no obstacle afterwards.
    expect(await failure(client.connect({ signal: controller.signal }))).toMatchObject({ code: "canceled" });
    const again = client.connect();
    await (await fake.accept()).open();
    await again;
    expect(started.states.map(({ name }) => name)).toEqual(["connecting", "closed", "connecting", "open"]);
  });

  test("closed meanwhile, and connected again at once", async () => {
    await using started = await start();
    const { client, fake } = started;
    const outcome = failure(client.connect());
    const first = await fake.accept();
    await client.close();
    const again = client.connect();
    expect(await outcome).toMatchObject({ code: "canceled" });
    await (await fake.accept()).open();
    await again;
    await first.closed();
    expect(client.state.name).toBe("open");
  });

  test("the server speaks an encoding that the client does not", async () => {
    await using started = await start();
    const outcome = failure(started.client.connect());
    const server = await started.fake.accept();
    await server.open({ code: 200, sys: { serializer: "morse" } });
    expect(await outcome).toMatchObject({ code: "unimplemented" });
    expect(started.client.state.name).toBe("closed");
    await server.closed();
  });

  test("a kick in one piece with the handshake's answer leaves it closed", async () => {
    await using started = await start();
    const outcome = started.client.connect();
    const server = await started.fake.accept();
    await server.packet();
    server.send(
      Buffer.concat([
        encodePacket(PacketType.handshake, bytesOf(JSON.stringify(welcome))),
        encodePacket(PacketType.kick, bytesOf('{"code":"moved","reason":"elsewhere"}')),
      ]),
    );
    await outcome;
    expect(await closeOf(started.client)).toEqual({ kind: "draining", code: "moved", message: "elsewhere" });
    expect(started.states.map(({ name }) => name)).toEqual(["connecting", "open", "closed"]);
  });
});

describe("the end", () => {
  test.each([
    ['{"code":"banned","reason":"go away"}', { kind: "kicked", code: "banned", message: "go away" }],
    ['{"code":"replaced","reason":"elsewhere"}', { kind: "replaced", code: "replaced", message: "elsewhere" }],
    ['{"code":"moved","reason":"draining"}', { kind: "draining", code: "moved", message: "draining" }],
    ['{"reason":"pomelo"}', { kind: "kicked", code: "unknown", message: "pomelo" }],
    ["", { kind: "kicked", code: "unknown", message: "" }],
    ["nonsense", { kind: "kicked", code: "unknown", message: "" }],
  ])("a kick %j", async (body, reason) => {
    await using pair = await openPair();
    pair.server.kick(body);
    expect(await pair.closed()).toEqual(reason);
    await pair.server.closed();
    expect(pair.states).toEqual([{ name: "closed", reason }]);
  });

  test("a silent server is noticed after two and a half of its heartbeats", async () => {
    const clock = createVirtualClock();
    await using pair = await openPair({ clock, answer: { code: 200, sys: { heartbeat: 4, serializer: "json" } } });
    clock.moveTo(9_000);
    pair.server.sendPacket(PacketType.heartbeat);
    await pair.server.packet();
    clock.moveTo(18_000);
    expect(pair.client.state.name).toBe("open");
    clock.moveTo(19_000);
    expect(await pair.closed()).toEqual({ kind: "lost", message: "the server fell silent" });
    await pair.server.closed();
  });

  test("heartbeats are answered at once, with the count of what came", async () => {
    await using pair = await openPair();
    const beat = async (): Promise<number[]> => {
      pair.server.sendPacket(PacketType.heartbeat);
      const { type, body } = await pair.server.packet();
      expect(type).toBe(PacketType.heartbeat);
      return [...body];
    };
    expect(await beat()).toEqual([0]);
    // What nobody waits for counts too.
    for (let n = 0; n < 3; n++) pair.server.push("no.such.push", "{}");
    expect(await beat()).toEqual([3]);
    for (let n = 0; n < 297; n++) pair.server.answer(1_000 + n, "{}");
    // After every 64 it says so by itself.
    for (const count of [67, 131, 195, 259]) expect((await pair.server.packet()).body).toEqual(encodeCount(count));
    expect(await beat()).toEqual([0xac, 0x02]);
  });
});

describe("nonsense from the server", () => {
  const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));

  test.each([
    ["no packet", "00000000"],
    ["HTTP", Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n").toString("hex")],
    ["a packet over the limit", "04ffffff"],
    ["a second handshake", "010000027b7d"],
    ["an ack", "02000000"],
    ["a message of one byte", "0400000104"],
    ["a request", "04000007000103612e627b"],
    ["a notify", "040000060203612e627b"],
    ["no kind of message", "040000020800"],
    ["an id that does not end", "04000003048080"],
    ["a compressed answer", "040000041401789c"],
  ])("%s closes with protocol", async (_what, bytes) => {
    await using pair = await openPair();
    pair.server.send(hex(bytes));
    expect(await pair.closed()).toMatchObject({ kind: "protocol", code: "internal" });
    await pair.server.closed();
  });

  test("a push that cannot be read closes with protocol", async () => {
    await using pair = await openPair();
    pair.client.service(RoomClient).onSaid(() => {});
    pair.server.push("room.room.said", '{"text":5}');
    expect(await pair.closed()).toMatchObject({ kind: "protocol" });
  });

  test.each([
    ["no JSON", "abm"],
    ["a list", "[]"],
    ["a heartbeat that is a text", '{"code":200,"sys":{"heartbeat":"10"}}'],
    ["codes that are none", '{"code":200,"sys":{"dict":{"a.b":-1}}}'],
  ])("a handshake's answer that is %s refuses", async (_what, answer) => {
    await using started = await start();
    const outcome = failure(started.client.connect());
    const server = await started.fake.accept();
    await server.packet();
    server.sendPacket(PacketType.handshake, answer);
    expect(await outcome).toMatchObject({ name: "NanoError", code: "internal" });
    expect(started.client.state).toMatchObject({ name: "closed", reason: { kind: "protocol" } });
    await server.closed();
  });

  test("random bytes end in a true state, and the next connection works", async () => {
    await using started = await start({ onError: () => {} });
    const { client, fake } = started;
    const room = client.service(RoomClient);
    room.onSaid(() => {});
    const packet = fc
      .tuple(fc.integer({ min: 1, max: 5 }), fc.uint8Array({ maxLength: 40 }))
      .map(([type, body]) => Buffer.concat([Uint8Array.of(type, 0, 0, body.length), body]));
    const bytes = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 60 }),
      fc.array(packet, { minLength: 1, maxLength: 6 }).map(Buffer.concat),
    );
    await fc.assert(
      fc.asyncProperty(bytes, fc.boolean(), async (nonsense, early) => {
        const connecting = failure(client.connect());
        const server = await fake.accept();
        if (early) await server.packet();
        else {
          await server.open();
          await connecting;
        }
        const call = client.state.name === "open" ? room.join({ room: "r" }).result() : undefined;
        server.send(nonsense);
        server.close();
        await connecting;
        if (client.state.name !== "closed") await closeOf(client);
        // A lucky answer may have settled it.
        if (call)
          expect(["unavailable", "unknown", "internal", "ok"]).toContain(
            await call.then((one) => (one.ok ? "ok" : one.error.code)),
          );
      }),
      { numRuns: 150 },
    );
    const connecting = client.connect();
    await (await fake.accept()).open();
    await connecting;
    expect(client.state.name).toBe("open");
  });
});

describe("over WebSocket", () => {
  async function serve(said: (socket: { send(data: Uint8Array | string): void }, message: Uint8Array) => void) {
    const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
    await new Promise((resolve) => server.once("listening", resolve));
    server.on("connection", (socket) => socket.on("message", (data) => said(socket, Uint8Array.from(data as Buffer))));
    const address = server.address();
    const port = typeof address === "object" && address ? address.port : 0;
    const client = createClient({ encoding: "json", transport: webSocket(`ws://127.0.0.1:${port}`) });
    return {
      client,
      async [Symbol.asyncDispose]() {
        await client.close();
        for (const socket of server.clients) socket.terminate();
        await new Promise((resolve) => server.close(resolve));
      },
    };
  }

  test("connects, and a text message closes with protocol", async () => {
    const messages: number[] = [];
    await using served = await serve((socket, message) => {
      messages.push(message[0] ?? 0);
      if (message[0] === PacketType.handshake) socket.send(encodePacket(PacketType.handshake, bytesOf(JSON.stringify(welcome))));
      else socket.send(textOf(Uint8Array.of(4, 0, 0, 0)));
    });
    await served.client.connect();
    expect(await closeOf(served.client)).toMatchObject({ kind: "protocol" });
    expect(messages).toEqual([PacketType.handshake, PacketType.handshakeAck]);
  });

  test("a server that is no WebSocket is unavailable", async () => {
    await using fake = await startFakeServer();
    const client = createClient({ transport: webSocket(`ws://127.0.0.1:${fake.port}`) });
    const outcome = failure(client.connect());
    // An HTTP request is no packet: the raw peer cannot read it, so it only hangs up.
    (await fake.accept()).close();
    expect(await outcome).toMatchObject({ code: "unavailable" });
  });

  test("asks for what the platform has: headers and a sub-protocol in Node", async () => {
    const server = new WebSocketServer({ host: "127.0.0.1", port: 0, handleProtocols: (offered) => [...offered][1] ?? false });
    await new Promise((resolve) => server.once("listening", resolve));
    const asked = new Promise<readonly unknown[]>((resolve) => {
      server.on("connection", ({ protocol }, { headers }) => resolve([protocol, headers["x-shard"]]));
    });
    const address = server.address();
    const url = `ws://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`;
    const options = { protocols: ["pomelo", "nano"], headers: { "x-shard": "7" } };
    const client = createClient({ transport: webSocket(url, options) });
    const outcome = failure(client.connect());
    expect(await asked).toEqual(["nano", "7"]);
    await client.close();
    await outcome;
    await new Promise((resolve) => server.close(resolve));

    vi.stubGlobal("document", {});
    const page = createClient({ transport: webSocket(url, options) });
    expect(await failure(page.connect())).toMatchObject({ code: "unavailable", message: expect.stringContaining("no headers") });
    vi.unstubAllGlobals();
  });

  test("an address that is none is unavailable", async () => {
    const client = createClient({ transport: webSocket("http://[") });
    expect(await failure(client.connect())).toMatchObject({ code: "unavailable" });
  });
});
