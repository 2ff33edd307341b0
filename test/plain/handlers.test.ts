import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Client as Caller, Code, createClient as createCaller, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { createServer, type Server, silentLogger, tcp } from "nano-rpc";
import { type Client, createClient } from "nano-rpc/client";
import { tcp as overTcp } from "nano-rpc/client/tcp";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import { RoomService } from "../../examples/chat/gen/chat/v1/chat_pb.ts";
import { type SessionContext, SessionContextSchema } from "../../gen/nano/cluster/v1/link_pb.ts";
import { type MemoryDiscovery, memory } from "../../src/discovery/index.ts";
import { until } from "../net/recorder.ts";
import { PlayClient } from "../schema/gen/play/v1/play_client.ts";
import { BrokenSchema, PlayService } from "../schema/gen/play/v1/play_pb.ts";
import { playServices, type Seen } from "../server/play.ts";
import { type ForeignServer, routed, startForeign } from "./foreign-server.ts";

const token = "a secret of the cluster, over 32 bytes";

let discovery: MemoryDiscovery;
let gate: Server;
let play: Server;
let seen: Seen;
let foreign: ForeignServer;
let client: Client;
let release: () => void;
/** The session's header, as the foreign server was given it. */
let header: string;
/** And those of all sessions that it was called for. */
let heard: string[];
/** How often a handler has begun to wait. */
let begun: number;
let headers: Record<string, string>;

/** Gates and play servers of one cluster; its rooms are in another language, and have the header of a session. */
beforeEach(async () => {
  discovery = memory();
  const all = { discovery, cluster: { tokens: [token] }, log: silentLogger };
  gate = createServer({ ...all, id: "gate-1", types: ["gate"], acceptors: [tcp({ port: 0 })] });
  const { promise, resolve } = Promise.withResolvers<void>();
  release = resolve;
  begun = 0;
  const made = playServices(() => {
    begun++;
    return promise;
  });
  seen = made.seen;
  play = createServer({ ...all, id: "play-1", services: made.services });
  heard = [];
  foreign = await startForeign(
    discovery,
    "rooms",
    routed((router) =>
      router.service(RoomService, {
        join(_request, { requestHeader }) {
          heard.push(requestHeader.get("nano-session-bin") ?? "");
          return {};
        },
      }),
    ),
  );
  await Promise.all([gate.start(), play.start()]);
  await until(() => [gate, play].map((server) => server.servers().length), 20_000).toEqual([3, 3]);
  client = createClient({ transport: overTcp(tcpOf(gate)) });
  await client.connect();
  await client.service(RoomClient).join({ room: "lobby", name: "ann" });
  [header = ""] = heard;
  headers = { authorization: `Bearer ${token}`, "nano-session-bin": header };
});

afterEach(async () => {
  release();
  await client.close();
  await foreign.stop();
  await Promise.all([gate, play].map((server) => server.stop({ graceMs: 100 })));
});

function tcpOf({ addresses }: Server): { readonly host: string; readonly port: number } {
  return { host: "127.0.0.1", port: Number(addresses["tcp"]?.split(":").at(-1)) };
}

function to(server = play, how: (options: { baseUrl: string; httpVersion: "2" }) => Transport = createGrpcTransport) {
  const transport = how({ baseUrl: `http://${server.addresses["cluster"]}`, httpVersion: "2" });
  return createCaller(PlayService, transport);
}

/** The session's header, with something of it changed. */
function changed(differs: Partial<SessionContext>): string {
  return Buffer.from(toBinary(SessionContextSchema, { ...contextOf(header), ...differs })).toString("base64");
}

function contextOf(text: string): SessionContext {
  return fromBinary(SessionContextSchema, Buffer.from(text, "base64"));
}

async function* stream<T>(...messages: readonly T[]): AsyncGenerator<T> {
  yield* messages;
}

function refused(): number | undefined {
  return play.counters.cluster?.callsRefused.session;
}

const code = (code: Code) => expect.objectContaining({ code });

describe("a handler called plainly", () => {
  test.each([
    ["gRPC", createGrpcTransport],
    ["gRPC-Web", createGrpcWebTransport],
    ["Connect", createConnectTransport],
  ])("by %s acts on the session, of which its server had not heard", async (_what, how) => {
    const caller: Caller<typeof PlayService> = to(play, how);
    expect(await caller.enter({ user: "ann", roles: ["admin"] }, { headers })).toMatchObject({
      former: "none",
      server: "play-1",
    });
    expect([...(await gate.users("ann").locate())]).toEqual([["ann", "gate-1"]]);
    // What the header says is what was when it was made; what counts is how the session is.
    expect(await caller.note({ note: "hi", coins: 3n }, { headers })).toMatchObject({ note: "hi", coins: 3n });
    await caller.rule({}, { headers });
    await caller.keep(stream({ number: 7 }), { headers });
    expect(seen.numbers).toEqual([7]);
    // And the client has the same session there.
    const own = client.service(PlayClient);
    expect((await own.kept({})).numbers).toEqual([7]);
    const told: string[] = [];
    own.onTold(({ text }) => void told.push(text));
    await caller.tell({ times: 2 }, { headers });
    await until(() => told, 20_000).toEqual(["1", "2"]);
  });

  test("on the server that holds the client, too", async () => {
    const { services } = playServices(async () => {});
    const both = createServer({
      ...{ id: "both", services, discovery, log: silentLogger },
      acceptors: [tcp({ port: 0 })],
      cluster: { tokens: [token] },
    });
    await both.start();
    const other = createClient({ transport: overTcp(tcpOf(both)) });
    try {
      await until(() => both.servers().length).toBe(4);
      await other.connect();
      await other.service(RoomClient).join({ room: "lobby", name: "bob" });
      const own = { ...headers, "nano-session-bin": heard.at(-1) ?? "" };
      expect(await to(both).enter({ user: "bob" }, { headers: own })).toMatchObject({ server: "both" });
      expect([...(await gate.users("bob").locate())]).toEqual([["bob", "both"]]);
      // The right to another's session is none, whoever is said to hold it.
      const posing = { ...headers, "nano-session-bin": changed({ incarnation: both.info.incarnation }) };
      await expect(to(both).kept({}, { headers: posing })).rejects.toEqual(code(Code.PermissionDenied));
      await to(both).kept({}, { headers });
    } finally {
      await other.close();
      await both.stop({ graceMs: 100 });
    }
  });

  test("asks for a user and for roles as they are, not as the header says", async () => {
    const forged = changed({ user: "ann", roles: ["admin"] });
    const asAdmin = { ...headers, "nano-session-bin": forged };
    await expect(to().note({}, { headers: asAdmin })).rejects.toEqual(code(Code.Unauthenticated));
    await to().enter({ user: "ann" }, { headers: asAdmin });
    await expect(to().rule({}, { headers: asAdmin })).rejects.toEqual(code(Code.PermissionDenied));
    expect(await to().note({ note: "mine" }, { headers: asAdmin })).toMatchObject({ note: "mine" });
  });

  test("answers with the errors that the schema declares, and tells no others' words", async () => {
    const declared = await to()
      .fail({ how: "detail" }, { headers })
      .catch((reason: unknown) => reason);
    expect(declared).toEqual(code(Code.FailedPrecondition));
    expect((declared as { findDetails(schema: typeof BrokenSchema): unknown[] }).findDetails(BrokenSchema)).toEqual([
      create(BrokenSchema, { part: "wheel" }),
    ]);
    await expect(to().fail({ how: "throw" }, { headers })).rejects.toMatchObject({ rawMessage: "internal error" });
  });

  test("ends with its deadline, the caller's or the schema's, with its caller, and with the session", async () => {
    await expect(to().wait({ ms: 1 }, { headers, timeoutMs: 100 })).rejects.toEqual(code(Code.DeadlineExceeded));
    await expect(to().fail({ how: "never" }, { headers })).rejects.toEqual(code(Code.DeadlineExceeded));
    // On a busy machine the first of them was over before it had begun.
    const before = begun;
    const giveUp = new AbortController();
    const given = expect(to().float({}, { headers, signal: giveUp.signal, timeoutMs: 60_000 })).rejects.toEqual(
      code(Code.Canceled),
    );
    await until(() => begun, 20_000).toBe(before + 1);
    giveUp.abort();
    await given;
    await until(() => play.counters.handlers.get("play.play.float")?.failed.get("canceled"), 20_000).toBe(1);
    const over = expect(to().float({}, { headers, timeoutMs: 60_000 })).rejects.toEqual(code(Code.Canceled));
    await until(() => begun, 20_000).toBe(before + 2);
    await client.close();
    await over;
    await expect(to().kept({}, { headers })).rejects.toEqual(code(Code.NotFound));
  }, 30_000);

  test("does not take pushes, and of a notify exactly one message", async () => {
    const none = expect.objectContaining({ code: Code.InvalidArgument });
    const before = play.counters.cluster?.callsRefused.method ?? 0;
    const [pushed] = await Promise.allSettled([to().told({}, { headers })[Symbol.asyncIterator]().next()]);
    expect(pushed).toMatchObject({ status: "rejected", reason: { code: Code.Unimplemented } });
    expect(play.counters.cluster?.callsRefused.method).toBe(before + 1);
    await expect(to().keep(stream(), { headers })).rejects.toEqual(none);
    await expect(to().keep(stream({ number: 1 }, { number: 2 }), { headers })).rejects.toEqual(none);
    expect(play.counters.cluster?.callsRefused.body).toBe(2);
    expect(seen.numbers).toEqual([]);
  });

  test("does not wait for ever for the end of a notify", async () => {
    const held = Promise.withResolvers<void>();
    async function* unfinished(): AsyncGenerator<{ readonly number: number }> {
      yield { number: 1 };
      await held.promise;
    }
    await expect(to().keep(unfinished(), { headers })).rejects.toEqual(code(Code.DeadlineExceeded));
    held.resolve();
    expect(play.counters.cluster?.callsRefused.late).toBe(1);
    expect(seen.numbers).toEqual([]);
  }, 30_000);

  test("has a session, of at most 4 KiB, and the right to it; what is refused is counted", async () => {
    const { session, capability, incarnation } = contextOf(header);
    const wrong: readonly (readonly [string | undefined, Code])[] = [
      [undefined, Code.InvalidArgument],
      ["", Code.InvalidArgument],
      ["AAAA", Code.InvalidArgument],
      [Buffer.alloc(60, 0xff).toString("base64"), Code.InvalidArgument],
      [changed({ session: new Uint8Array(15) }), Code.InvalidArgument],
      [changed({ user: "u".repeat(4_100) }), Code.ResourceExhausted],
      [changed({ capability: capability.map((byte) => byte ^ 1) }), Code.PermissionDenied],
      [changed({ capability: new Uint8Array(0) }), Code.PermissionDenied],
      [changed({ session: session.map((byte, at) => (at === 3 ? byte ^ 1 : byte)) }), Code.PermissionDenied],
    ];
    const ask = (session: string | undefined): Promise<unknown> =>
      to().kept(
        {},
        { headers: { authorization: `Bearer ${token}`, ...(session === undefined ? {} : { "nano-session-bin": session }) } },
      );
    // Before the server has heard of the session, and after.
    for (const round of [1, 2]) {
      for (const [at, [session, refusal]] of wrong.entries()) {
        await expect(ask(session), `${round}.${at}`).rejects.toEqual(code(refusal));
      }
      expect(refused()).toBe(round * wrong.length);
      await ask(header);
    }
    // That its frontend is not there is nobody's fault.
    await expect(ask(changed({ incarnation: incarnation ^ 1n }))).rejects.toEqual(code(Code.Unavailable));
    expect(refused()).toBe(2 * wrong.length);
    expect(play.counters.cluster?.callsRefused.frontend).toBe(1);
    // 4 KiB are let in.
    const room = Math.floor((4_096 * 3) / 4) - Buffer.from(header, "base64").length - 3;
    const large = changed({ user: "u".repeat(room) });
    expect(large.length).toBe(4_096);
    await ask(large);
    await expect(to().kept({}, { headers: { "nano-session-bin": header } })).rejects.toEqual(code(Code.Unauthenticated));
  });
});
