import { create, toBinary } from "@bufbuild/protobuf";
import {
  type Client as Caller,
  Code,
  ConnectError,
  createClient as createCaller,
  type HandlerContext,
} from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { createServer, type Server, silentLogger, tcp } from "nano-rpc";
import { type Client, createClient } from "nano-rpc/client";
import { tcp as overTcp } from "nano-rpc/client/tcp";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import { RoomAdminRemote } from "../../examples/chat/gen/chat/v1/chat_nano.ts";
import {
  JoinedResponseSchema,
  type JoinRequest,
  RoomAdminService,
  RoomService,
  SaidResponseSchema,
  type SayRequest,
} from "../../examples/chat/gen/chat/v1/chat_pb.ts";
import type { SessionContext, SessionKey } from "../../gen/nano/cluster/v1/link_pb.ts";
import {
  type BoundRequest,
  type ClosedRequest,
  SessionEventsService,
  SessionService,
} from "../../gen/nano/cluster/v1/session_pb.ts";
import { type MemoryDiscovery, memory } from "../../src/discovery/index.ts";
import { until } from "../net/recorder.ts";
import { type ForeignServer, routed, sessionOf, startForeign } from "./foreign-server.ts";

const token = "a secret of the cluster, over 32 bytes";

let discovery: MemoryDiscovery;
let gate: Server;
let foreign: ForeignServer | undefined;
const clients: Client[] = [];
interface Seen {
  readonly what: string;
  readonly session: SessionContext;
  readonly headers: Headers;
}

/** What the foreign server was told, in its order. */
let seen: Seen[];
let closed: ClosedRequest[];
/** What it was told of users, and between which calls. */
let bound: (BoundRequest & { readonly after: number })[];
let hearsOfUsers = true;
let askedOfUsers: number;
let closings: number;
/** Whether its first word of a session's end gets lost. */
let cutAtClosed = false;
/** What it does with a request, and with a notify. */
let join: (request: JoinRequest, context: HandlerContext) => Promise<{ members?: string[] }>;
let say: (request: SayRequest) => Promise<void>;

beforeEach(async () => {
  discovery = memory();
  seen = [];
  closed = [];
  bound = [];
  hearsOfUsers = true;
  askedOfUsers = 0;
  closings = 0;
  join = async ({ name }) => ({ members: [name] });
  say = async () => {};
  gate = createServer({
    id: "gate-1",
    types: ["gate"],
    discovery,
    acceptors: [tcp({ port: 0 })],
    cluster: { tokens: [token] },
    log: silentLogger,
  });
  await gate.start();
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await foreign?.stop();
  foreign = undefined;
  await gate.stop({ graceMs: 100 });
});

async function startRooms(): Promise<void> {
  const routes = routed((router) => {
    router.service(RoomService, {
      async join(request, context) {
        seen.push({ what: `join ${request.name}`, session: sessionOf(context), headers: context.requestHeader });
        return join(request, context);
      },
      async say(requests, context) {
        for await (const request of requests) {
          seen.push({ what: `say ${request.text}`, session: sessionOf(context), headers: context.requestHeader });
          await say(request);
        }
        return {};
      },
    });
    router.service(RoomAdminService, { stats: () => ({ rooms: [{ room: "lobby", members: 7 }] }) });
    router.service(SessionEventsService, {
      bound(request) {
        askedOfUsers++;
        if (!hearsOfUsers) throw new ConnectError("not here", Code.Unimplemented);
        bound.push({ ...request, after: seen.length });
        return {};
      },
      closed(request) {
        closings++;
        if (closings === 1 && cutAtClosed) {
          foreign?.cut();
          throw new ConnectError("cut", Code.Unavailable);
        }
        closed.push(request);
        return {};
      },
    });
  });
  foreign = await startForeign(discovery, "rooms", routes);
  await until(() => gate.servers().some(({ id }) => id === "rooms")).toBe(true);
}

async function connect(): Promise<{ readonly client: Client; readonly room: RoomClient }> {
  const client = createClient({
    transport: overTcp({ host: "127.0.0.1", port: Number(gate.addresses["tcp"]?.split(":").at(-1)) }),
  });
  clients.push(client);
  await client.connect();
  return { client, room: client.service(RoomClient) };
}

function frontend(authorization = `Bearer ${token}`): Caller<typeof SessionService> {
  const transport = createGrpcTransport({
    baseUrl: `http://${gate.addresses["cluster"]}`,
    interceptors: [
      (next) => (request) => {
        request.header.set("authorization", authorization);
        return next(request);
      },
    ],
  });
  return createCaller(SessionService, transport);
}

function keyOf({ session, capability }: SessionContext): { session: Uint8Array; capability: Uint8Array } {
  return { session: Uint8Array.from(session), capability };
}

/** Binds in the join, as rooms do. */
function binds(user: string, room: string): void {
  join = async (_request, context) => {
    const session = keyOf(sessionOf(context));
    await frontend().bind({ session, user });
    await frontend().patch({
      session,
      patch: { type: "chat.v1.ChatSession", fields: new Uint8Array([10, room.length, ...Buffer.from(room)]) },
    });
    return {};
  };
}

describe("a server that takes plain calls", () => {
  test("is asked with session, time, token and trace, and answers", async () => {
    await startRooms();
    const { room } = await connect();
    expect((await room.join({ room: "lobby", name: "ann" })).members).toEqual(["ann"]);
    const [{ session, headers }] = seen as [Seen];
    expect(session).toMatchObject({ frontend: "gate-1", incarnation: gate.info.incarnation, user: "", data: {} });
    expect([session.session.length, session.capability.length]).toEqual([16, 32]);
    expect(headers.get("authorization")).toBe(`Bearer ${token}`);
    // The schema gives it 3 s.
    const timeout = /^(\d+)m$/.exec(headers.get("grpc-timeout") ?? "");
    expect(Number(timeout?.[1])).toBeGreaterThan(0);
    expect(Number(timeout?.[1])).toBeLessThanOrEqual(3_000);
  });

  test("hears what it has made of a session, with the next message", async () => {
    await startRooms();
    binds("lobby/ann", "lobby");
    const { room } = await connect();
    // Sent ahead: the second waits for the answer to the first.
    const joined = room.join({ room: "lobby", name: "ann" });
    room.say({ text: "hi" });
    await joined;
    await until(() => seen.length).toBe(2);
    expect(seen[1]?.session).toMatchObject({ user: "lobby/ann" });
    expect(Buffer.from(seen[1]?.session.data["chat.v1.ChatSession"] ?? []).toString()).toBe("\n\x05lobby");
  });

  test("is told whose a session is, between the messages before and after", async () => {
    await startRooms();
    const { client, room } = await connect();
    await room.join({ room: "lobby", name: "ann" });
    const session = keyOf(seen[0]?.session as SessionContext);
    // By itself, by somebody else, and twice while it is busy with a message.
    await frontend().bind({ session, user: "ann", roles: ["admin"] });
    await until(() => bound.length).toBe(1);
    expect(bound[0]).toMatchObject({ user: "ann", roles: ["admin"], after: 1 });
    expect(hex(bound[0]?.session)).toBe(hex(session.session));
    join = async () => {
      await frontend().bind({ session, user: "" });
      await frontend().bind({ session, user: "bob" });
      return {};
    };
    const joined = room.join({ room: "lobby", name: "ann" });
    const again = room.join({ room: "lobby", name: "ann" });
    await joined;
    join = async () => ({});
    await again;
    expect(bound.slice(1)).toMatchObject([{ user: "bob", roles: [], after: 2 }]);
    expect(seen.map(({ session }) => session.user)).toEqual(["", "ann", "bob"]);
    await client.close();
    await until(() => closed.length, 20_000).toBe(1);
  });

  test("that does not want to hear of users is not told again, and goes on", async () => {
    hearsOfUsers = false;
    await startRooms();
    for (const user of ["lobby/ann", "lobby/bob"]) {
      binds(user, "lobby");
      const { room } = await connect();
      await room.join({ room: "lobby", name: "ann" });
      await room.join({ room: "lobby", name: "ann" });
    }
    expect([askedOfUsers, seen.map(({ session }) => session.user)]).toEqual([1, ["", "lobby/ann", "", "lobby/bob"]]);
  });

  test("has the messages of one session one at a time, in order, and those of others meanwhile", async () => {
    await startRooms();
    binds("lobby/ann", "lobby");
    const [ann, bob] = [await connect(), await connect()];
    await ann.room.join({ room: "lobby", name: "ann" });
    const gateway = Promise.withResolvers<void>();
    let now = 0;
    let most = 0;
    say = async () => {
      most = Math.max(most, ++now);
      await gateway.promise;
      now--;
    };
    const texts = Array.from({ length: 20 }, (_, at) => `say ${at}`);
    for (const text of texts) ann.room.say({ text: text.slice(4) });
    await until(() => seen.length).toBe(2);
    join = async () => ({ members: ["meanwhile"] });
    expect((await bob.room.join({ room: "lobby", name: "bob" })).members).toEqual(["meanwhile"]);
    gateway.resolve();
    await until(() => seen.length, 20_000).toBe(22);
    expect(seen.map(({ what }) => what).filter((what) => what.startsWith("say"))).toEqual(texts);
    expect(most).toBe(1);
  });

  test("its errors come with code and words, those that nobody declared too", async () => {
    await startRooms();
    const { room } = await connect();
    join = async () => {
      throw new ConnectError("ann is there", Code.AlreadyExists, { "since-when": "noon" });
    };
    const refused = await room.join({ room: "lobby", name: "ann" }).result();
    expect(refused.ok ? [] : [refused.error.code, refused.error.message, refused.error.metadata, refused.error.declared]).toEqual(
      ["already_exists", "ann is there", { "since-when": "noon" }, true],
    );
    join = async () => {
      throw new ConnectError("full", Code.ResourceExhausted);
    };
    await expect(room.join({ room: "lobby", name: "ann" })).rejects.toMatchObject({ code: "resource_exhausted" });
  });

  test("a deadline ends the call at both ends", async () => {
    await startRooms();
    const { room } = await connect();
    const broken = Promise.withResolvers<void>();
    join = (_request, { signal }) =>
      new Promise((_resolve, reject) =>
        signal.addEventListener("abort", () => {
          broken.resolve();
          reject(signal.reason);
        }),
      );
    await expect(room.join({ room: "lobby", name: "ann" })).rejects.toMatchObject({ code: "deadline_exceeded" });
    await broken.promise;
    join = async () => ({ members: ["after"] });
    expect((await room.join({ room: "lobby", name: "ann" })).members).toEqual(["after"]);
  }, 20_000);

  test("a connection that breaks is unavailable, and the next message has another", async () => {
    await startRooms();
    const { room } = await connect();
    join = async () => {
      foreign?.cut();
      return new Promise(() => {});
    };
    const refused = await room.join({ room: "lobby", name: "ann" }).result();
    expect(refused.ok ? "ok" : refused.error.code).toBe("unavailable");
    expect(refused.ok ? "" : refused.error.message).not.toMatch(/127\.0\.0\.1|ECONN/);
    join = async () => ({ members: ["again"] });
    expect((await room.join({ room: "lobby", name: "ann" })).members).toEqual(["again"]);
  });

  test("is told when a session is over, after all messages of it, also where the connection breaks over it", async () => {
    await startRooms();
    for (cutAtClosed of [false, true]) {
      closings = 0;
      closed.length = 0;
      const { client, room } = await connect();
      await room.join({ room: "lobby", name: "ann" });
      const id = seen.at(-1)?.session.session;
      await client.close();
      await until(() => closed.length, 20_000).toBe(1);
      expect([hex(closed[0]?.session), closed[0]?.reason?.kind]).toEqual([hex(id), "left"]);
    }
  });

  test("is asked by servers: any, one by its id, all", async () => {
    await startRooms();
    const stats = { rooms: [{ room: "lobby", members: 7 }] };
    expect(await gate.remote(RoomAdminRemote).stats({})).toMatchObject(stats);
    expect(await gate.remote(RoomAdminRemote, { server: "rooms" }).stats({})).toMatchObject(stats);
    expect(await gate.remoteAll(RoomAdminRemote).stats({})).toMatchObject([{ ok: true, value: stats }]);
  });

  test("that answers nonsense costs its callers an error, and nothing else", async () => {
    type Answer = (stream: import("node:http2").Http2ServerResponse) => void;
    let answer: Answer = () => {};
    foreign = await startForeign(discovery, "odd", (request, response) => {
      request.resume();
      request.on("end", () => answer(response));
    });
    await until(() => gate.servers().some(({ id }) => id === "odd")).toBe(true);
    const { room } = await connect();
    const grpc = { "content-type": "application/grpc" };
    const frame = (length: number, flags = 0): Buffer => Buffer.from([flags, 0, 0, 0, length]);
    const ended =
      (body: Buffer, trailers: Record<string, string>): Answer =>
      (response) => {
        response.writeHead(200, grpc);
        response.addTrailers(trailers);
        response.end(body);
      };
    const nonsense: [string, Answer][] = [
      ["unimplemented", (response) => response.writeHead(404).end("no such page")],
      ["internal", (response) => response.writeHead(200, { "content-type": "text/html" }).end("<html>")],
      ["unavailable", ended(frame(0), {})],
      ["internal", ended(frame(0), { "grpc-status": "99" })],
      ["internal", ended(Buffer.from([1]), { "grpc-status": "0" })],
      ["internal", ended(frame(9), { "grpc-status": "0" })],
      ["internal", ended(frame(0, 1), { "grpc-status": "0" })],
      ["unavailable", ended(Buffer.alloc(2_000_000), { "grpc-status": "0" })],
      ["unavailable", (response) => response.stream.close(2)],
      ["unavailable", (response) => response.stream.session?.destroy()],
      [
        "permission_denied",
        (response) => response.writeHead(200, { ...grpc, "grpc-status": "7", "grpc-message": "no%20way" }).end(),
      ],
    ];
    for (const [code, one] of nonsense) {
      answer = one;
      const refused = await room.join({ room: "lobby", name: "ann" }).result();
      expect([nonsense.findIndex(([, other]) => other === one), refused.ok ? "ok" : refused.error.code]).toEqual([
        nonsense.findIndex(([, other]) => other === one),
        code,
      ]);
    }
  }, 30_000);
});

describe("SessionService of a frontend", () => {
  async function joined(
    user = "lobby/ann",
  ): Promise<{ readonly client: Client; readonly room: RoomClient; readonly session: SessionKey }> {
    binds(user, "lobby");
    const { client, room } = await connect();
    await room.join({ room: "lobby", name: "ann" });
    return { client, room, session: keyOf(seen.at(-1)?.session as SessionContext) as SessionKey };
  }

  const said = toBinary(SaidResponseSchema, create(SaidResponseSchema, { name: "ann", text: "hi" }));

  test("pushes to a session, before the answer, and to groups", async () => {
    await startRooms();
    const { room, session } = await joined();
    join = async (_request, context) => {
      await frontend().push({ session: keyOf(sessionOf(context)), route: "room.room.said", body: said });
      return {};
    };
    const order: string[] = [];
    room.onSaid(() => void order.push("push"));
    await room.join({ room: "lobby", name: "ann" }).then(() => order.push("answer"));
    expect(order).toEqual(["push", "answer"]);

    const group = { type: "room", name: "room/lobby" };
    const body = toBinary(JoinedResponseSchema, create(JoinedResponseSchema, { name: "bob" }));
    const heard: string[] = [];
    room.onJoined(({ name }) => void heard.push(name));
    await frontend().pushGroup({ group, route: "room.room.joined", body });
    await frontend().addToGroup({ session, group });
    await frontend().pushGroup({ group, route: "room.room.joined", body });
    await frontend().pushGroup({ group, route: "room.room.joined", body, except: [session.session] });
    await frontend().removeFromGroup({ session, group });
    await frontend().pushGroup({ group, route: "room.room.joined", body });
    // Behind all that was pushed.
    await room.join({ room: "lobby", name: "ann" });
    expect(heard).toEqual(["bob"]);
  });

  test("binds once, patches where it is as expected, kicks", async () => {
    await startRooms();
    const { client, room, session } = await joined();
    await expect(frontend().bind({ session, user: "lobby/bob" })).rejects.toMatchObject({ code: Code.FailedPrecondition });
    const field = (text: string): { type: string; fields: Uint8Array } => ({
      type: "chat.v1.ChatSession",
      fields: new Uint8Array([10, text.length, ...Buffer.from(text)]),
    });
    expect((await frontend().patch({ session, patch: field("a"), expected: field("other") })).written).toBe(false);
    expect((await frontend().patch({ session, patch: field("a"), expected: field("lobby") })).written).toBe(true);
    await room.join({ room: "lobby", name: "ann" }).result();
    await frontend().kick({ session, code: "spam", reason: "too loud" });
    await until(() => client.state.name, 20_000).toBe("closed");
    expect(client.state).toMatchObject({ reason: { kind: "kicked", code: "spam", message: "too loud" } });
    await expect(frontend().push({ session, route: "room.room.said", body: said })).rejects.toMatchObject({
      code: Code.NotFound,
    });
  });

  test("pushes to users, says who has missed it, and who is in a group", async () => {
    await startRooms();
    const { room, session } = await joined("lobby/ann");
    const { session: other } = await joined("lobby/bob");
    const heard: string[] = [];
    room.onSaid(({ text }) => void heard.push(text));
    const users = ["lobby/ann", "nobody"];
    expect((await frontend().pushUsers({ users, route: "room.room.said", body: said })).missed).toEqual(["nobody"]);
    await until(() => heard).toEqual(["hi"]);

    const group = { type: "room", name: "room/lobby" };
    const members = async (asked: { count?: boolean; session?: Uint8Array; after?: Uint8Array } = {}) =>
      (await frontend().groupMembers({ group, ...asked })).members;
    expect(await members()).toMatchObject({ members: [], count: 0, more: false });
    expect((await frontend().addToGroup({ session, group, everywhere: true })).missing).toEqual([]);
    await frontend().addToGroup({ session: other, group });
    const both = [
      { session: session.session, user: "lobby/ann" },
      { session: other.session, user: "lobby/bob" },
    ].sort((one, two) => Buffer.compare(one.session, two.session));
    const [first, second] = both;
    expect(await members()).toMatchObject({ members: both, count: 2, more: false });
    expect(await members({ count: true })).toMatchObject({ members: [], count: 2 });
    expect(await members({ session: other.session })).toMatchObject({ members: [{ user: "lobby/bob" }] });
    expect(await members({ session: new Uint8Array(16) })).toMatchObject({ members: [] });
    expect(await members({ after: first?.session ?? new Uint8Array(0) })).toMatchObject({ members: [second], more: false });
    await frontend().removeFromGroup({ session: other, group });
    expect(await members({ count: true })).toMatchObject({ count: 1 });
  });

  test("hangs up: what was pushed before arrives, and the client comes back with another session", async () => {
    await startRooms();
    const { client, room, session } = await joined();
    const heard: string[] = [];
    room.onSaid(({ text }) => void heard.push(text));
    const states: string[] = [];
    client.onState(({ name }) => void states.push(name));
    await frontend().push({ session, route: "room.room.said", body: said });
    await frontend().close({ session });
    await until(() => heard).toEqual(["hi"]);
    await until(() => closed.map(({ reason }) => reason?.kind), 20_000).toEqual(["left"]);
    await until(() => states, 20_000).toEqual(["waiting", "connecting", "open"]);
    await expect(frontend().close({ session })).rejects.toMatchObject({ code: Code.NotFound });
  });

  test("refuses what nobody could mean, and goes on", async () => {
    await startRooms();
    const { room, session } = await joined();
    const heard: string[] = [];
    room.onSaid(({ text }) => void heard.push(text));
    const long = "x".repeat(257);
    const many = <T>(count: number, one: T): T[] => Array.from({ length: count }, () => one);
    const push = { route: "room.room.said", body: said };
    const group = { type: "room", name: "room/lobby" };
    const data = { type: "chat.v1.ChatSession" };
    const short = { session: session.session.subarray(1), capability: session.capability };
    const ask = frontend();
    const invalid: (() => Promise<unknown>)[] = [
      () => ask.push({ ...push, session, route: "room.room.join" }),
      () => ask.push({ ...push, session, route: "" }),
      () => ask.push({ ...push, session, route: "nano.failed" }),
      () => ask.push({ ...push, session, delivery: "sometimes" }),
      () => ask.push({ ...push, session: short }),
      () => ask.pushUsers({ ...push, users: [""] }),
      () => ask.pushUsers({ ...push, users: [long] }),
      () => ask.pushUsers({ ...push, users: many(1_001, "ann") }),
      () => ask.pushUsers({ ...push, users: ["ann"], route: "room.room.whispered" }),
      () => ask.pushGroup({ ...push }),
      () => ask.pushGroup({ ...push, group: { type: "room", name: "" } }),
      () => ask.pushGroup({ ...push, group: { type: long, name: "lobby" } }),
      () => ask.pushGroup({ ...push, group, except: [new Uint8Array(15)] }),
      () => ask.pushGroup({ ...push, group, route: "room.room.whispered" }),
      () => ask.bind({ session, user: long }),
      () => ask.bind({ session, user: "lobby/ann", roles: [long] }),
      () => ask.bind({ session, user: "lobby/ann", roles: many(65, "admin") }),
      () => ask.bind({ user: "ann" }),
      () => ask.patch({ session, patch: { type: "" } }),
      () => ask.patch({ session, patch: { type: long } }),
      () => ask.patch({ session, patch: { ...data, fields: Uint8Array.of(0x0a) } }),
      () => ask.patch({ session, patch: data, expected: { type: "" } }),
      () => ask.patch({ session, patch: { ...data, cleared: many(1_025, 1) } }),
      () => ask.kick({ session, code: long }),
      () => ask.kick({ session, reason: "x".repeat(1_025) }),
      () => ask.kick({ session: short }),
      () => ask.close({}),
      () => ask.addToGroup({ session, group: { type: "room", name: long } }),
      () => ask.addToGroup({ session }),
      () => ask.removeFromGroup({ group }),
      () => ask.groupMembers({}),
      () => ask.groupMembers({ group, session: new Uint8Array(17) }),
      () => ask.groupMembers({ group, after: new Uint8Array(1) }),
    ];
    for (const [at, one] of invalid.entries()) {
      await expect(one(), `the request ${at}`).rejects.toMatchObject({ code: Code.InvalidArgument });
    }
    const large: (() => Promise<unknown>)[] = [
      () => ask.patch({ session, patch: { ...data, fields: Uint8Array.of(0x0a, 0x80, 0x10, ...new Uint8Array(2_048)) } }),
      () => ask.push({ ...push, session, body: new Uint8Array(1_048_577) }),
    ];
    for (const one of large) await expect(one()).rejects.toMatchObject({ code: Code.ResourceExhausted });
    // What is as large as may be is taken.
    await ask.bind({ session, user: "lobby/ann", roles: many(64, "x".repeat(256)) });
    await ask.pushUsers({ ...push, users: [...many(999, "nobody"), "lobby/ann"] });
    await ask.addToGroup({ session, group: { type: "room", name: "x".repeat(256) } });
    await until(() => heard).toEqual(["hi"]);
  });

  test("asks for the token, and for the right to the session", async () => {
    await startRooms();
    const { session } = await joined();
    const push = { route: "room.room.said", body: said };
    await expect(frontend("Bearer wrong").push({ session, ...push })).rejects.toMatchObject({ code: Code.Unauthenticated });
    const bent = session.capability.map((byte, at) => (at === 7 ? byte ^ 1 : byte));
    for (const capability of [bent, new Uint8Array(0), session.capability.subarray(1)]) {
      const other = { session: session.session, capability };
      const all = [
        frontend().push({ session: other, ...push }),
        frontend().bind({ session: other, user: "eve" }),
        frontend().patch({ session: other, patch: { type: "chat.v1.ChatSession" } }),
        frontend().kick({ session: other }),
        frontend().close({ session: other }),
        frontend().addToGroup({ session: other, group: { type: "room", name: "x" } }),
        frontend().removeFromGroup({ session: other, group: { type: "room", name: "x" } }),
      ];
      // All at once: one that is heard later than it fails would be nobody's.
      await Promise.all(all.map((asked) => expect(asked).rejects.toMatchObject({ code: Code.PermissionDenied })));
    }
    expect(gate.counters.cluster?.framesRefused.capability).toBe(21);
    await expect(frontend().push({ ...push })).rejects.toMatchObject({ code: Code.InvalidArgument });
    await expect(frontend().patch({ session })).rejects.toMatchObject({ code: Code.InvalidArgument });
  });
});

function hex(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString("hex");
}
