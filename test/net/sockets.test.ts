import { connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { afterAll, describe, expect, test } from "vitest";
import { type ByteStream, type Listener, type StreamEvents, systemNet, type TlsOptions } from "../../src/net/index.ts";
import { acceptor, bytes, first, openSockets, Recorder, until } from "./recorder.ts";
import { selfSigned } from "./self-signed.ts";

const host = "127.0.0.1";
const never = new AbortController().signal;
const limitMs = 7_000;

function listen(accept: (stream: ByteStream) => StreamEvents, tls?: TlsOptions): Promise<Listener> {
  return systemNet.listen({ host, port: 0, ...(tls ? { tls } : {}) }, accept);
}

/** A socket that does what it is told, and nothing by itself. */
function rawSocket(port: number, more: { readonly allowHalfOpen?: boolean } = {}): Socket {
  return connect({ host, port, ...more }).on("error", () => {});
}

function raise(message: string): never {
  throw new Error(message);
}

function closing(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once("close", () => resolve()));
}

// Whatever a test leaves open, the next file would count.
afterAll(() => until(openSockets).toBe(0));

// Side by side: some wait for a limit of seconds.
describe.concurrent("TCP", () => {
  test("a port that cannot be is an error that names it", async () => {
    await expect(systemNet.listen({ host, port: 70_000 }, () => new Recorder())).rejects.toThrow("70000");
    await expect(systemNet.listen({ host: "192.0.2.1", port: 4_001 }, () => new Recorder())).rejects.toThrow("192.0.2.1:4001");
  });

  test("a peer that sends its end is closed, though it goes on reading", async () => {
    const { accepted, accept } = acceptor();
    const listener = await listen(accept);
    const socket = rawSocket(listener.port, { allowHalfOpen: true }).resume();
    socket.end("bye");
    const { heard } = await first(accepted);
    await until(() => heard.closes).toEqual([undefined]);
    expect(heard.text).toBe("bye");
    socket.destroy();
    await listener.close();
  });

  test("a reset is a close with an error, once", async () => {
    const { accepted, accept } = acceptor();
    const listener = await listen(accept);
    const socket = rawSocket(listener.port);
    const { stream, heard } = await first(accepted);
    socket.resetAndDestroy();
    await until(() => heard.closes.length).toBe(1);
    expect(heard.closes[0]?.message).toContain("ECONNRESET");
    expect(stream.write(bytes("into the void"))).toBe(false);
    await listener.close();
    expect(heard.late).toEqual([]);
  });

  test("a peer that reads late has all in order, whatever the system took at once, in part or later", async () => {
    const { accepted, accept } = acceptor();
    const listener = await listen(accept);
    const socket = rawSocket(listener.port).pause();
    const { stream, heard } = await first(accepted);
    const pieces: Buffer[] = [];
    const write = (size: number): boolean => {
      const piece = Buffer.alloc(size, pieces.length);
      pieces.push(piece);
      return stream.write(piece);
    };
    while (write(1 + ((pieces.length * 7_919) % 200_000)));
    // Behind what the system took in part.
    for (let more = 0; more < 10; more++) expect(write(1_000)).toBe(false);
    const { queuedBytes } = stream;
    expect(queuedBytes).toBeGreaterThan(10_000);

    const got: Buffer[] = [];
    socket.on("data", (data) => got.push(data)).resume();
    await until(() => stream.queuedBytes).toBe(0);
    expect(heard.drains).toBeGreaterThan(0);
    expect(write(10)).toBe(true);
    stream.end();
    expect(stream.write(bytes("after the end"))).toBe(false);
    await closing(socket);
    expect(Buffer.concat(got).equals(Buffer.concat(pieces))).toBe(true);
    await listener.close();
    expect(heard.late).toEqual([]);
  });

  test("a peer that goes while something waits for it is closed, once, and nothing waits any more", async () => {
    const { accepted, accept } = acceptor();
    const listener = await listen(accept);
    const socket = rawSocket(listener.port).pause();
    const { stream, heard } = await first(accepted);
    while (stream.write(new Uint8Array(100_000)));
    socket.resetAndDestroy();
    await until(() => heard.closes.length).toBe(1);
    expect(stream.write(bytes("into the void"))).toBe(false);
    await listener.close();
    expect(heard.late).toEqual([]);
  });

  test("a peer that does not read holds an ended stream for 5 s, not longer", async () => {
    const { accepted, accept } = acceptor();
    const listener = await listen(accept);
    const socket = rawSocket(listener.port).pause();
    const { stream, heard } = await first(accepted);
    stream.write(new Uint8Array(32 * 1_024 * 1_024));
    stream.end();
    expect(stream.queuedBytes).toBeGreaterThan(0);
    await until(() => heard.closes.length, limitMs).toBe(1);
    socket.destroy();
    await listener.close();
  });

  test("closing a listener cuts after 5 s what nobody closed", async () => {
    const { accepted, accept } = acceptor();
    const listener = await listen(accept);
    const socket = rawSocket(listener.port);
    const { heard } = await first(accepted);
    await listener.close();
    await until(() => heard.closes.length).toBe(1);
    await until(() => socket.destroyed).toBe(true);
  });
});

describe.concurrent("TLS", () => {
  const tls = selfSigned();

  test("a server is taken by its authority only, and under its name", async () => {
    const { accepted, accept } = acceptor();
    const listener = await listen(accept, tls);
    const dial = (options: TlsOptions): Promise<ByteStream> =>
      systemNet.connect({ host, port: listener.port, tls: options }, new Recorder(), never);
    await expect(dial({})).rejects.toThrow("self-signed");
    await expect(dial({ ca: selfSigned().cert })).rejects.toThrow();
    await expect(dial({ ca: tls.cert, serverName: "elsewhere.example" })).rejects.toThrow("elsewhere.example");
    const named = await dial({ ca: tls.cert, serverName: "localhost" });
    const unchecked = await dial({ rejectUnauthorized: false });
    named.write(bytes("named"));
    await until(() => accepted.some(({ heard }) => heard.text === "named")).toBe(true);
    for (const stream of [named, unchecked]) stream.destroy();
    await listener.close();
  });

  test("a server that asks for a certificate takes nobody without a right one", async () => {
    const { accepted, accept } = acceptor();
    const client = selfSigned();
    const listener = await listen(accept, { ...tls, ca: client.cert, requestCert: true });
    async function dial(options: TlsOptions): Promise<{ stream: ByteStream | undefined; heard: Recorder }> {
      const heard = new Recorder();
      // TLS 1.3 tells a client of its refusal only after it thinks itself connected.
      const stream = await systemNet
        .connect({ host, port: listener.port, tls: { ca: tls.cert, ...options } }, heard, never)
        .catch((error: Error) => void heard.closed(error));
      return { stream: stream ?? undefined, heard };
    }
    for (const wrong of [{}, selfSigned()]) {
      const { heard } = await dial(wrong);
      await until(() => heard.closes.length).toBe(1);
    }
    expect(accepted).toEqual([]);
    const { stream } = await dial(client);
    await first(accepted);
    stream?.destroy();
    await listener.close();
  });

  test.each([
    ["says nothing", ""],
    ["opens a handshake and stops", "\x16\x03\x01\x02\x00"],
  ])("a stranger who %s is cut after 5 s", async (_what, said) => {
    const { accepted, accept } = acceptor();
    const listener = await listen(accept, tls);
    const socket = rawSocket(listener.port).resume();
    socket.write(Buffer.from(said, "latin1"));
    await until(() => socket.destroyed, limitMs).toBe(true);
    expect(accepted).toEqual([]);
    await listener.close();
  });

  test("a stranger who speaks no TLS is cut at once", async () => {
    const { accepted, accept } = acceptor();
    const listener = await listen(accept, tls);
    const socket = rawSocket(listener.port).resume();
    socket.write("GET / HTTP/1.1\r\n\r\n");
    await until(() => socket.destroyed, 2_000).toBe(true);
    expect(accepted).toEqual([]);
    await listener.close();
  });
});

describe.concurrent("HTTP/2", () => {
  const { http2: streams = raise("no HTTP/2") } = systemNet;
  const path = "/stream";

  function serve(accept: (stream: ByteStream) => StreamEvents, tls?: TlsOptions): Promise<Listener> {
    return streams.listen(
      {
        ...{ host, port: 0, path, ...(tls ? { tls } : {}) },
        authorize: (headers) => headers["authorization"] === "yes",
        other: (_request, response) => void response.end("other"),
      },
      accept,
    );
  }

  /** The status of one request, and what it answered. */
  function ask(port: number, headers: Readonly<Record<string, string>>): Promise<string> {
    const session = connectHttp2(`http://${host}:${port}`);
    return new Promise<string>((resolve, reject) => {
      session.once("error", reject);
      const request = session.request({ ":path": "/other", ...headers }).once("error", reject);
      let text = "";
      request.once("response", ({ ":status": status }) => {
        text += `${status} `;
      });
      request.setEncoding("utf8").on("data", (data: string) => {
        text += data;
      });
      request.once("close", () => resolve(text.trim()));
      request.end();
    }).finally(() => session.close());
  }

  test("streams of the path are accepted; everything else goes to the other handler, once it is authorized", async () => {
    const { accepted, accept } = acceptor();
    const listener = await serve(accept);
    expect(await ask(listener.port, {})).toBe("401");
    expect(await ask(listener.port, { authorization: "no" })).toBe("401");
    expect(await ask(listener.port, { authorization: "yes" })).toBe("200 other");
    // The path alone does not make a stream.
    expect(await ask(listener.port, { ":path": path, authorization: "yes" })).toBe("200 other");
    expect(await ask(listener.port, { ":path": path, ":method": "POST", "content-type": "text/plain" })).toBe("401");
    expect(accepted).toEqual([]);
    await listener.close();
  });

  test("a refused request's body is not read", async () => {
    const listener = await serve(acceptor().accept);
    const session = connectHttp2(`http://${host}:${listener.port}`);
    const request = session.request({ ":path": "/other", ":method": "POST" }).resume();
    request.on("error", () => {});
    let status = 0;
    request.once("response", (headers) => {
      status = Number(headers[":status"]);
    });
    // A body that never ends.
    request.write(new Uint8Array(1_024));
    await until(() => status).toBe(401);
    session.destroy();
    await listener.close();
  });

  test.each([
    ["plain text", "GET / HTTP/1.1\r\nhost: x\r\n\r\n"],
    ["noise", "\xff\x00\x13\x37".repeat(64)],
    ["a preface and noise", `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${"\xff".repeat(256)}`],
  ])("%s is cut, and costs nobody else anything", async (_what, said) => {
    const { accepted, accept } = acceptor();
    const listener = await serve(accept);
    const heard = new Recorder();
    const stream = await streams.connect({ host, port: listener.port, path }, heard, never);
    const socket = rawSocket(listener.port).resume();
    socket.write(Buffer.from(said, "latin1"));
    await closing(socket);
    stream.write(bytes("still"));
    const { heard: far } = await first(accepted);
    await until(() => far.text).toBe("still");
    stream.end();
    await until(() => heard.closes.length).toBe(1);
    await listener.close();
  });

  test.each([
    ["in the clear", undefined],
    ["over TLS", selfSigned()],
  ])("a connection that begins with 0 is taken as it is, on the same port, %s", async (_how, tls) => {
    const { accepted, accept } = acceptor();
    const listener = await serve(accept, tls);
    const secured = tls ? { tls: { ca: tls.cert ?? "" } } : {};
    const [straight, framed] = [new Recorder(), new Recorder()];
    const own = await systemNet.connect({ host, port: listener.port, ...secured }, straight, never);
    own.write(bytes("\0straight"));
    const { stream, heard } = await first(accepted);
    await until(() => heard.text).toBe("\0straight");
    const other = await streams.connect({ host, port: listener.port, path, ...secured }, framed, never);
    other.write(bytes("framed"));
    await until(() => accepted.length).toBe(2);
    await until(() => accepted[1]?.heard.text).toBe("framed");
    stream.write(bytes("back"));
    await until(() => straight.text).toBe("back");
    stream.end();
    other.end();
    await until(() => [straight.closes.length, framed.closes.length]).toEqual([1, 1]);
    await listener.close();
  });

  test("a server that is no HTTP/2 closes the stream, with the reason", async () => {
    const { accepted, accept } = acceptor((stream) => void stream.write(bytes("220 mail.example ESMTP\r\n")));
    const listener = await listen(accept);
    const heard = new Recorder();
    const stream = await streams.connect({ host, port: listener.port, path }, heard, never);
    await until(() => heard.closes.length).toBe(1);
    expect(heard.closes[0]).toBeInstanceOf(Error);
    expect(stream.write(bytes("hello"))).toBe(false);
    for (const { stream: far } of accepted) far.destroy();
    await listener.close();
  });

  test("closing a listener lets streams go on, and cuts after 5 s what nobody ended", async () => {
    const { accepted, accept } = acceptor();
    const listener = await serve(accept);
    const heard = new Recorder();
    const stream = await streams.connect({ host, port: listener.port, path }, heard, never);
    const { heard: far } = await first(accepted);
    const closed = listener.close();
    stream.write(bytes("last words"));
    await until(() => far.text).toBe("last words");
    await closed;
    await until(() => heard.closes.length).toBe(1);
  });

  test("a stranger on TLS who says nothing is cut after 5 s", async () => {
    const tls = selfSigned();
    const listener = await serve(acceptor().accept, tls);
    const silent = rawSocket(listener.port).resume();
    const old = connectTls({ host, port: listener.port, ca: tls.cert, ALPNProtocols: ["http/1.1"] }).on("error", () => {});
    await Promise.all([closing(silent), closing(old.resume())]);
    await listener.close();
  });
});
