import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2, constants } from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { createServer, memory, type Server, silentLogger } from "nano-rpc";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  CallSchema,
  FrameSchema,
  HelloSchema,
  LinkRequestSchema,
  type LinkResponse,
  LinkService,
} from "../../gen/nano/cluster/v1/link_pb.ts";
import { prove } from "../../src/link/proof.ts";
import { WhoRemote } from "../schema/gen/play/v1/play_nano.ts";
import { AnyResponseSchema, WhoService } from "../schema/gen/play/v1/play_pb.ts";
import { playServices } from "../server/play.ts";
import { envelope, type FrameInit } from "./raw-link.ts";

const token = "a secret of the cluster, over 32 bytes";
const next = "the next secret, which is 32 bytes too";
const self = { id: "stranger", incarnation: 99n };
const challenge = new Uint8Array(32).fill(1);

const servers: Server[] = [];
const cleanups: (() => void)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) cleanup();
  await Promise.all(servers.splice(0).map((server) => server.stop({ graceMs: 100 })));
});

async function start(id: string, tokens: readonly string[], discovery = memory()): Promise<Server> {
  const { services } = playServices(() => Promise.resolve());
  const server = createServer({ id, discovery, services, cluster: { tokens }, log: silentLogger });
  servers.push(server);
  await server.start();
  return server;
}

function urlOf(server: Server): string {
  return `http://${server.addresses["cluster"]}`;
}

type Protocol = "connect" | "grpc";

function transportTo(server: Server, protocol: Protocol, bearer?: string): Transport {
  const options = {
    baseUrl: urlOf(server),
    httpVersion: "2" as const,
    interceptors: [
      (call: Parameters<import("@connectrpc/connect").Interceptor>[0]) => (request: Parameters<typeof call>[0]) => {
        if (bearer !== undefined) request.header.set("authorization", `Bearer ${bearer}`);
        return call(request);
      },
    ],
  };
  return protocol === "grpc" ? createGrpcTransport(options) : createConnectTransport(options);
}

/** A link by a client of connect-node: frames out, frames in. */
class ConnectLink {
  readonly #out: FrameInit[][] = [];
  #came = Promise.withResolvers<void>();
  #over = false;
  readonly #responses: AsyncIterator<LinkResponse>;
  readonly #frames: LinkResponse["frames"] = [];

  constructor(server: Server, protocol: Protocol) {
    const client = createClient(LinkService, transportTo(server, protocol));
    this.#responses = client.link(this.#requests(), { timeoutMs: 20_000 })[Symbol.asyncIterator]();
  }

  async *#requests(): AsyncGenerator<MessageInitShape<typeof LinkRequestSchema>> {
    for (;;) {
      for (const frames of this.#out.splice(0)) yield { frames };
      if (this.#over) return;
      await this.#came.promise;
      this.#came = Promise.withResolvers();
    }
  }

  say(...frames: FrameInit[]): void {
    this.#out.push(frames);
    this.#came.resolve();
  }

  /** The next frame that has a body. Rejects with what the stream ends with; undefined at a good end. */
  async frame(): Promise<LinkResponse["frames"][number] | undefined> {
    for (;;) {
      const first = this.#frames.shift();
      if (first?.body.case !== undefined) return first;
      if (first) continue;
      const { value, done } = await this.#responses.next();
      if (done) return undefined;
      this.#frames.push(...value.frames);
    }
  }

  /** Reads to the end, then ends as well; gives what it ended with. */
  async end(): Promise<string> {
    try {
      while (await this.frame()) {}
      return "ok";
    } catch (reason) {
      const error = ConnectError.from(reason);
      return `${Code[error.code]}: ${error.rawMessage}`;
    } finally {
      this.hangUp();
    }
  }

  hangUp(): void {
    this.#over = true;
    this.#came.resolve();
  }
}

function hello(differs: MessageInitShape<typeof HelloSchema> = {}): FrameInit {
  return { body: { case: "hello", value: create(HelloSchema, { protocolMin: 1, protocolMax: 1, ...self, ...differs }) } };
}

const ask: FrameInit = {
  number: 1n,
  body: { case: "call", value: create(CallSchema, { call: 1n, route: "play.who.any", envelope: { remainingMs: 2_000 } }) },
};

describe.each(["connect", "grpc"] as const)("a plain client that opens a link by %s", (protocol) => {
  test("is a peer like any other", async () => {
    const link = new ConnectLink(await start("play-1", []), protocol);
    link.say(hello());
    expect((await link.frame())?.body).toMatchObject({ case: "hello", value: { id: "play-1", types: ["play"] } });
    link.say(ask);
    let answer = (await link.frame())?.body;
    while (answer?.case !== "answer") answer = (await link.frame())?.body;
    expect(answer.value.outcome.case).toBe("body");
    const body = answer.value.outcome.value as Uint8Array;
    expect(fromBinary(AnyResponseSchema, body)).toMatchObject({ server: "play-1", caller: "stranger" });
    // A server that stops ends it in good order.
    const ended = link.end();
    await servers[0]?.stop({ graceMs: 100 });
    expect(await ended).toBe("ok");
  });

  test("with the token is let in", async () => {
    const link = new ConnectLink(await start("play-1", [token]), protocol);
    link.say(hello({ challenge }));
    const greeting = (await link.frame())?.body;
    if (greeting?.case !== "hello") throw new Error(`${greeting?.case} instead of Hello`);
    const mac = prove(token, greeting.value.challenge, { dialed: true, prover: self, verifier: greeting.value });
    link.say({ body: { case: "proof", value: { mac } } });
    const proof = (await link.frame())?.body;
    if (proof?.case !== "proof") throw new Error(`${proof?.case} instead of a proof`);
    const expected = prove(token, challenge, { dialed: false, prover: greeting.value, verifier: self });
    expect(proof.value.mac).toEqual(Uint8Array.from(expected));
    link.say(ask);
    expect((await link.frame())?.body.case).toBeDefined();
    link.hangUp();
    await link.end();
  });

  test("without the token, or with a wrong one, is unauthenticated", async () => {
    const server = await start("play-1", [token]);
    const without = new ConnectLink(server, protocol);
    without.say(hello(), ask);
    expect(await without.end()).toMatch("Unauthenticated: play-1 asks for a token, and stranger has none");
    const wrong = new ConnectLink(server, protocol);
    wrong.say(hello({ challenge }), { body: { case: "proof", value: { mac: new Uint8Array(32) } } }, ask);
    expect(await wrong.end()).toMatch("Unauthenticated: stranger has another token than play-1");
  });

  test("with a token that was rotated out is unauthenticated, as is one who shows another's proof once more", async () => {
    const server = await start("play-1", [next, token]);
    const rotated = await start("play-2", [next]);
    /** Greets with the old token, or a proof that was shown before; gives how it ended, and the proof. */
    async function greet(to: Server, proof?: Uint8Array): Promise<{ readonly end: string; readonly mac: Uint8Array }> {
      const link = new ConnectLink(to, protocol);
      link.say(hello({ challenge }));
      const greeting = (await link.frame())?.body;
      if (greeting?.case !== "hello") throw new Error(`${greeting?.case} instead of Hello`);
      const mac = proof ?? prove(token, greeting.value.challenge, { dialed: true, prover: self, verifier: greeting.value });
      link.say({ body: { case: "proof", value: { mac } } });
      try {
        const answer = (await link.frame())?.body.case;
        link.hangUp();
        return { end: answer ?? "nothing", mac };
      } catch (reason) {
        link.hangUp();
        const { code, rawMessage } = ConnectError.from(reason);
        return { end: `${Code[code]}: ${rawMessage}`, mac };
      }
    }
    const { end, mac } = await greet(server);
    expect(end).toBe("proof");
    // What a link ends with comes after a goodbye.
    expect((await greet(server, mac)).end).toBe("goodbye");
    expect((await greet(rotated)).end).toBe("goodbye");
    expect([server, rotated].map(({ counters }) => counters.cluster?.linksRefused.token)).toEqual([1, 1]);
    const call = (to: Server) => createClient(WhoService, transportTo(to, protocol, token)).any({});
    expect((await call(server)).server).toBe("play-1");
    await expect(call(rotated)).rejects.toMatchObject({ code: Code.Unauthenticated });
    expect([server, rotated].map(({ counters }) => counters.cluster?.callsRefused.token)).toEqual([0, 1]);
  });

  test("that speaks out of turn, or another version, is told so", async () => {
    const server = await start("play-1", []);
    const early = new ConnectLink(server, protocol);
    early.say(ask);
    expect(await early.end()).toMatch("FailedPrecondition");
    const twice = new ConnectLink(server, protocol);
    twice.say(hello(), hello());
    expect(await twice.end()).toMatch("FailedPrecondition: a second hello");
    const version = new ConnectLink(server, protocol);
    version.say(hello({ protocolMin: 7, protocolMax: 9 }));
    expect(await version.end()).toMatch("Unimplemented: stranger speaks the protocols 7 to 9");
    const large = new ConnectLink(server, protocol);
    large.say(hello({ types: ["x".repeat(20_000)] }));
    expect(await large.end()).toMatch("ResourceExhausted");
  });

  test("and says nothing is told so after 5 s", async () => {
    const link = new ConnectLink(await start("play-1", []), protocol);
    link.say();
    expect(await link.end()).toMatch("DeadlineExceeded: no greeting within 5000 ms");
  });
});

describe("a plain call", () => {
  test.each(["connect", "grpc"] as const)("by %s needs the token in its headers", async (protocol) => {
    const server = await start("play-1", [token, next]);
    const call = (bearer?: string) => createClient(WhoService, transportTo(server, protocol, bearer)).any({});
    for (const right of [token, next]) expect((await call(right)).server).toBe("play-1");
    for (const wrong of [undefined, "", "another secret, of over 32 bytes too", token.slice(1), `${token} `.repeat(100)]) {
      await expect(call(wrong), `with ${wrong}`).rejects.toMatchObject({ code: Code.Unauthenticated });
    }
  });

  test("finds remotes, handlers only with a session, and nothing that no service has", async () => {
    const server = await start("play-1", []);
    const post = (path: string): Promise<number> =>
      answerOf(server, { ":method": "POST", ":path": path, "content-type": "application/proto" });
    expect(await post("/play.v1.WhoService/Any")).toBe(200);
    expect(await post("/play.v1.PlayService/Kept")).toBe(400);
    expect(server.counters.cluster?.callsRefused.session).toBe(1);
    expect(await post("/play.v1.WhoService/Nothing")).toBe(404);
    expect(await post("/")).toBe(404);
    expect(await post(`/${"x".repeat(7_000)}`)).toBe(404);
    for (const odd of ["//[", "/%zz", "/?", "/\\"]) expect(await post(odd), odd).toBe(404);
    expect(await answerOf(server, { ":method": "CONNECT", ":authority": "x" })).toBe(405);
  });

  test("with a body that is none, is too large, or is compressed fails alone", async () => {
    const server = await start("play-1", []);
    const post = (body: Uint8Array, headers: Readonly<Record<string, string>> = {}): Promise<number> =>
      answerOf(
        server,
        { ":method": "POST", ":path": "/play.v1.WhoService/Owner", "content-type": "application/proto", ...headers },
        body,
      );
    expect(await post(Uint8Array.of(0x08, 0x07))).toBe(200);
    expect(await post(Uint8Array.of(0x0a, 0xff))).toBe(400);
    expect(await post(new Uint8Array(1_100_000))).toBe(429);
    expect(await post(Uint8Array.of(1), { "content-encoding": "gzip" })).toBe(501);
  });

  test.each([
    ["GET", { ":method": "GET" }],
    ["JSON", { ":method": "POST", "content-type": "application/connect+json" }],
    ["no content type", { ":method": "POST" }],
  ])("to the link's path by %s is no link", async (_what, headers) => {
    const path = { ":path": "/nano.cluster.v1.LinkService/Link" };
    expect(await answerOf(await start("play-1", []), { ...headers, ...path })).toBeGreaterThanOrEqual(400);
    expect(await answerOf(await start("play-2", [token]), { ...headers, ...path })).toBe(401);
  });
});

async function answerOf(server: Server, headers: Readonly<Record<string, string>>, body?: Uint8Array): Promise<number> {
  const session = http2To(server);
  const stream = session.request(headers, { endStream: body === undefined });
  stream.on("error", () => {});
  if (body) stream.end(body);
  const [answer] = await once(stream, "response");
  session.destroy();
  return answer[":status"];
}

function http2To(server: Server, settings: import("node:http2").Settings = {}): ClientHttp2Session {
  const session = connectHttp2(urlOf(server), { settings });
  session.on("error", () => {});
  cleanups.push(() => session.destroy());
  return session;
}

function openLink(session: ClientHttp2Session): ClientHttp2Stream {
  const stream = session.request({
    ":method": "POST",
    ":path": "/nano.cluster.v1.LinkService/Link",
    "content-type": "application/connect+proto",
  });
  stream.on("error", () => {});
  return stream;
}

function tcpTo(server: Server): Socket {
  const { hostname, port } = new URL(urlOf(server));
  const socket = connectTcp(Number(port), hostname);
  socket.on("error", () => {});
  cleanups.push(() => socket.destroy());
  return socket;
}

function gone(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once("close", () => resolve()));
}

const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

function http2Frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

describe("a stranger at the cluster port", () => {
  let server: Server;
  let other: Server;

  beforeEach(async () => {
    const discovery = memory();
    server = await start("play-1", [token], discovery);
    other = await start("play-2", [token], discovery);
  });

  /** The others notice nothing: not those who have a link, nor plain callers. */
  async function works(): Promise<void> {
    expect(await other.remote(WhoRemote, { server: "play-1" }).any({})).toMatchObject({ server: "play-1", caller: "play-2" });
    const plain = createClient(WhoService, transportTo(server, "connect", token));
    expect((await plain.any({})).server).toBe("play-1");
  }

  test.each([
    ["HTTP/1.1", Buffer.from("POST /nano.cluster.v1.LinkService/Link HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")],
    ["TLS", Buffer.from("16030100c8010000c40303", "hex")],
    ["nothing sensible", Buffer.alloc(1_000, 0xa5)],
    ["HTTP/2 and then nothing sensible", Buffer.concat([preface, Buffer.alloc(100_000, 0xa5)])],
    [
      "a frame over the limit",
      Buffer.concat([preface, http2Frame(4, 0, 0, new Uint8Array(0)), http2Frame(0, 0, 1, Buffer.alloc(20_000))]),
    ],
  ])("who speaks %s is hung up on", async (_what, bytes) => {
    const socket = tcpTo(server);
    socket.resume();
    socket.write(bytes);
    await gone(socket);
    await works();
  });

  test("who sends garbage on a link is told so, with status 200 and the end of a Connect stream", async () => {
    const session = http2To(server);
    const garbage = [
      [envelope(Uint8Array.of(0xff, 0xff, 0xff)), "invalid_argument"],
      [envelope(new Uint8Array(10), 0x01), "unimplemented"],
      [Uint8Array.of(0, 0xff, 0xff, 0xff, 0xff), "resource_exhausted"],
      [envelope(Uint8Array.of(0x0a, 0x03, 0x82, 0x02, 0x00)), "failed_precondition"],
    ] as const;
    for (const [bytes, code] of garbage) {
      const stream = openLink(session);
      const pieces: Buffer[] = [];
      stream.on("data", (piece: Buffer) => pieces.push(piece));
      const [headers] = await Promise.all([once(stream, "response"), stream.write(bytes)]);
      expect(headers[0][":status"]).toBe(200);
      await once(stream, "end");
      expect(Buffer.concat(pieces).toString("latin1")).toMatch(`{"error":{"code":"${code}","message":"`);
    }
    await works();
  });

  test("who opens a thousand links holds up nobody, and is told after 5 s that nothing came", async () => {
    const session = http2To(server);
    const streams = Array.from({ length: 1_000 }, () => openLink(session));
    let answered = 0;
    for (const stream of streams) stream.once("response", () => answered++);
    let said = "";
    const ended = new Promise((resolve) => streams[0]?.on("data", (piece) => (said += piece)).once("end", resolve));
    await works();
    await ended;
    expect(said).toMatch('"deadline_exceeded"');
    // As many as one connection may have at the server; the others have not begun.
    expect(answered).toBe(256);
    await works();
    session.destroy();
  });

  test("who opens and resets links as fast as can be is hung up on", async () => {
    const socket = tcpTo(server);
    socket.resume();
    const headers = Buffer.concat([
      // :method POST, :scheme http, :path /, by the static table.
      Buffer.of(0x83, 0x86, 0x84),
    ]);
    socket.write(Buffer.concat([preface, http2Frame(4, 0, 0, new Uint8Array(0))]));
    let stream = 1;
    const flood = (): void => {
      const batch: Buffer[] = [];
      for (let times = 0; times < 500; times++, stream += 2) {
        batch.push(http2Frame(1, 0x05, stream, headers), http2Frame(3, 0, stream, Buffer.from([0, 0, 0, 8])));
      }
      if (!socket.destroyed) socket.write(Buffer.concat(batch), () => void setImmediate(flood));
    };
    const over = gone(socket);
    flood();
    await over;
    expect(stream).toBeLessThan(200_000);
    await works();
  });

  test("who sends headers without end is hung up on", async () => {
    const socket = tcpTo(server);
    socket.resume();
    socket.write(Buffer.concat([preface, http2Frame(4, 0, 0, new Uint8Array(0))]));
    const over = gone(socket);
    // A header block that is never finished: HEADERS, then CONTINUATION upon CONTINUATION.
    const literal = Buffer.concat([Buffer.from([0x00, 0x01, 0x78, 0x7f, 0xe1, 0x1e]), Buffer.alloc(4_000, 0x79)]);
    socket.write(http2Frame(1, 0, 1, Buffer.from([0x83, 0x86, 0x84])));
    let sent = 0;
    const flood = (): void => {
      if (socket.destroyed) return;
      sent += literal.length;
      socket.write(http2Frame(9, 0, 1, literal), () => void setImmediate(flood));
    };
    flood();
    await over;
    expect(sent).toBeLessThan(64 * 1_024 * 1_024);
    await works();
  });

  test("whose headers are over 16 KiB is refused", async () => {
    const session = http2To(server);
    const stream = session.request({ ":method": "POST", ":path": "/x", "x-large": "y".repeat(60_000) });
    const failed = Promise.race([once(stream, "error"), once(stream, "response").then(([headers]) => [headers[":status"]])]);
    const [outcome] = await failed;
    expect(outcome instanceof Error || outcome >= 400).toBe(true);
    await works();
  });

  test("who asks and never reads is cut off, and costs a bounded piece of memory", async () => {
    const open = await start("play-3", []);
    const session = http2To(open, { initialWindowSize: 1_024 });
    const stream = openLink(session);
    stream.pause();
    const closed = once(stream, "close");
    const say = (frames: FrameInit[]): void => {
      if (stream.destroyed) return;
      const request = create(LinkRequestSchema, { frames: frames.map((frame) => create(FrameSchema, frame)) });
      stream.write(envelope(toBinary(LinkRequestSchema, request)));
    };
    say([hello()]);
    // No server answers the route; the answer says so, at length.
    const route = "x".repeat(200_000);
    const before = process.memoryUsage().arrayBuffers;
    let asked = 0;
    const flood = setInterval(
      () => say([{ body: { case: "call", value: create(CallSchema, { call: BigInt(++asked), route }) } }]),
      1,
    );
    await closed;
    clearInterval(flood);
    expect(stream.rstCode).toBe(constants.NGHTTP2_CANCEL);
    // 16 MiB of answers, and what was under way to the server.
    expect(asked).toBeGreaterThan(80);
    expect(asked).toBeLessThan(400);
    await vi.waitFor(() => expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(128 * 1_024 * 1_024));
    await works();
  });
});
