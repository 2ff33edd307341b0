import { type ClientHttp2Session, connect as connectHttp2, type OutgoingHttpHeaders } from "node:http2";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Http2Refusal, type Listener, systemNet, type TlsOptions } from "../../src/net/index.ts";
import { acceptor, until } from "./recorder.ts";
import { selfSigned } from "./self-signed.ts";

const path = "/stream";
const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

let listener: Listener;
let refused: Record<Http2Refusal, number>;
let streams: ReturnType<typeof acceptor>;
const cleanups: (() => void)[] = [];

beforeEach(() => {
  refused = { tls: 0, protocol: 0, silent: 0, busy: 0, headers: 0 };
  streams = acceptor();
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) cleanup();
  await listener.close();
});

async function listen(strangerMs: number, tls?: TlsOptions): Promise<void> {
  const { http2 } = systemNet;
  if (!http2) throw new Error("no HTTP/2");
  listener = await http2.listen(
    {
      ...{ host: "127.0.0.1", port: 0, path, strangerMs, ...(tls ? { tls } : {}) },
      authorize: ({ authorization }) => authorization === "yes",
      other: (_request, response) => void response.end(),
      refused: (why) => refused[why]++,
    },
    streams.accept,
  );
}

/** A connection that says what it is told to, and no more. */
function opened(...bytes: readonly Buffer[]): Socket {
  return openedFrom("127.0.0.1", ...bytes);
}

function openedFrom(localAddress: string, ...bytes: readonly Buffer[]): Socket {
  const socket = connect({ port: listener.port, host: "127.0.0.1", localAddress }).on("error", () => {});
  socket.resume().write(Buffer.concat(bytes));
  cleanups.push(() => socket.destroy());
  return socket;
}

function session(): ClientHttp2Session {
  const one = connectHttp2(`http://127.0.0.1:${listener.port}`).on("error", () => {});
  cleanups.push(() => one.destroy());
  return one;
}

function answer(one: ClientHttp2Session, headers: OutgoingHttpHeaders): Promise<number | undefined> {
  return new Promise((resolve) => {
    const stream = one.request(headers, { endStream: true });
    stream.on("error", () => {});
    stream.once("response", (response) => resolve(response[":status"]));
    stream.once("close", () => resolve(undefined));
    stream.resume();
  });
}

describe("a connection by which nobody comes in", () => {
  test.each<[string, () => void]>([
    ["says nothing", () => void opened()],
    ["opens HTTP/2 and says nothing", () => void session()],
    ["asks without the right to", () => void answer(session(), { ":path": "/x" })],
    [
      "opens a stream, and is not trusted",
      () => void session().request({ ":method": "POST", ":path": path, "content-type": "application/grpc" }),
    ],
  ])("and %s is closed after its time", async (_what, act) => {
    await listen(300);
    act();
    await until(() => refused).toEqual({ tls: 0, protocol: 0, silent: 1, busy: 0, headers: 0 });
    await until(() => streams.accepted.every(({ heard }) => heard.closes.length === 1)).toBe(true);
  });

  test("is closed though it keeps on asking", async () => {
    await listen(300);
    const one = session();
    let answered = 0;
    while (!one.closed && !one.destroyed) if ((await answer(one, { ":path": "/x" })) === 401) answered++;
    expect(answered).toBeGreaterThan(1);
    expect(refused.silent).toBe(1);
  });

  /** So many, one after the other, from addresses of this machine. */
  async function strangersFrom(count: number, addressOf: (at: number) => string): Promise<Socket[]> {
    const strangers: Socket[] = [];
    for (let at = 0; at < count; at++) {
      const socket = openedFrom(addressOf(at));
      strangers.push(socket);
      await new Promise((resolve) => socket.once("connect", resolve));
    }
    return strangers;
  }

  const whole = { ":path": "/x", authorization: "yes" };

  test.each([
    ["1,024", 1_024, (at: number) => `127.0.0.${2 + (at % 8)}`],
    ["256 from one address", 256, () => "127.0.0.2"],
  ])("is the oldest that goes where there are more than %s", async (_what, most, addressOf) => {
    await listen(60_000);
    const trusted = session();
    expect(await answer(trusted, whole)).toBe(200);
    const fit = await strangersFrom(most, addressOf);
    expect(await answer(trusted, whole)).toBe(200);
    expect([refused.busy, fit.filter(({ destroyed }) => destroyed)]).toEqual([0, []]);
    const beyond = await strangersFrom(10, addressOf);
    await until(() => refused.busy, 10_000).toBe(10);
    await until(() => fit.slice(0, 10).every(({ destroyed }) => destroyed)).toBe(true);
    expect([...fit.slice(10), ...beyond].filter(({ destroyed }) => destroyed)).toEqual([]);
    // Who comes in is no stranger: neither who was in before nor who comes now.
    expect(await answer(trusted, whole)).toBe(200);
    expect(await answer(session(), whole)).toBe(200);
  });

  test("counts while it opens TLS; too many of one address cost the others nothing", async () => {
    const { cert, key } = selfSigned();
    await listen(60_000, { cert, key });
    const [other] = await strangersFrom(1, () => "127.0.0.3");
    const crowd = await strangersFrom(257, () => "127.0.0.2");
    await until(() => crowd.filter(({ destroyed }) => destroyed).length).toBe(1);
    expect([refused.busy, crowd[0]?.destroyed, other?.destroyed]).toEqual([1, true, false]);
    const one = connectHttp2(`https://127.0.0.1:${listener.port}`, { ca: cert, checkServerIdentity: () => undefined });
    cleanups.push(() => one.destroy());
    one.on("error", () => {});
    expect(await answer(one, whole)).toBe(200);
  });
});

describe("a connection by which somebody came in stays", () => {
  test.each<[string, () => Promise<ClientHttp2Session>]>([
    [
      "by a request that was authorized",
      async () => {
        const one = session();
        expect(await answer(one, { ":path": "/x", authorization: "yes" })).toBe(200);
        return one;
      },
    ],
    [
      "by a stream that is trusted",
      async () => {
        const one = session();
        one.request({ ":method": "POST", ":path": path, "content-type": "application/grpc" }).on("error", () => {});
        await until(() => streams.accepted.length).toBe(1);
        streams.accepted[0]?.stream.trust?.();
        return one;
      },
    ],
  ])("%s", async (_what, comeIn) => {
    await listen(300);
    const one = await comeIn();
    // One that came later is gone already.
    opened();
    await until(() => refused.silent).toBe(1);
    expect(one.destroyed).toBe(false);
    expect(await answer(one, { ":path": "/x", authorization: "yes" })).toBe(200);
  });
});

describe("what was closed is counted by why", () => {
  test("no HTTP/2", async () => {
    await listen(60_000);
    const socket = opened(Buffer.alloc(1_000, 0xa5));
    await until(() => socket.destroyed).toBe(true);
    await until(() => refused).toEqual({ tls: 0, protocol: 1, silent: 0, busy: 0, headers: 0 });
  });

  test("frames that break its rules; who hangs up breaks none", async () => {
    await listen(60_000);
    const hungUp = opened(preface);
    hungUp.resetAndDestroy();
    // SETTINGS on a stream.
    const socket = opened(preface, Buffer.from("000000040000000001", "hex"));
    await until(() => socket.destroyed).toBe(true);
    await until(() => refused).toEqual({ tls: 0, protocol: 1, silent: 0, busy: 0, headers: 0 });
  });

  test("no TLS, and no certificate", async () => {
    const { cert, key } = selfSigned();
    await listen(60_000, { cert, key, ca: cert, requestCert: true });
    const plain = opened(preface);
    await until(() => plain.destroyed).toBe(true);
    await until(() => refused.tls).toBe(1);
    const without = connectTls({ port: listener.port, host: "127.0.0.1", ca: cert, ALPNProtocols: ["h2"] }).on("error", () => {});
    without.resume();
    await until(() => without.destroyed).toBe(true);
    await until(() => refused).toEqual({ tls: 2, protocol: 0, silent: 0, busy: 0, headers: 0 });
  });
});

describe("the headers of a request", () => {
  const many = (count: number): OutgoingHttpHeaders =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`x-${at}`, "y"]));

  test.each<[string, OutgoingHttpHeaders, number]>([
    ["of 7 KiB", { "x-large": "y".repeat(7 * 1_024) }, 200],
    ["over 8 KiB", { "x-large": "y".repeat(9 * 1_024) }, 431],
    ["of 50 names", many(50), 200],
    ["of over 64 names", many(65), 431],
  ])("%s, before its settings are acknowledged and after", async (_what, headers, status) => {
    await listen(60_000);
    const one = session();
    expect(await answer(one, { ":path": "/x", authorization: "yes", ...headers })).toBe(status);
    expect(await answer(one, { ":path": "/x", authorization: "yes" })).toBe(200);
    expect(await answer(one, { ":path": "/x", authorization: "yes", ...headers })).toBe(status);
    expect(await answer(one, { ":path": "/x", authorization: "yes" })).toBe(200);
    expect(refused).toEqual({ tls: 0, protocol: 0, silent: 0, busy: 0, headers: status === 431 ? 2 : 0 });
  });
});

test("without the right to, a body is not waited for", async () => {
  await listen(60_000);
  const one = session();
  const stream = one.request({ ":method": "POST", ":path": "/x" }, { endStream: false });
  stream.on("error", () => {});
  const closed = new Promise((resolve) => stream.once("close", resolve));
  const status = await new Promise((resolve) => stream.once("response", (headers) => resolve(headers[":status"])));
  expect(status).toBe(401);
  stream.resume();
  await closed;
});
