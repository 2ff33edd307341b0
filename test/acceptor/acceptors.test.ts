import { connect } from "node:net";
import { Duplex, PassThrough } from "node:stream";
import { afterEach, describe, expect, test } from "vitest";
import { type Acceptor, acceptStream, webSocket } from "../../src/acceptor/index.ts";
import { bytes, first, openSockets, Recorder, until } from "../net/recorder.ts";
import { type AcceptorCase, acceptorCases, type Dialled, type DialOptions, overSocket } from "./cases.ts";
import { acceptorHost, framed, packet, startAcceptor } from "./started.ts";

const host = "127.0.0.1";

describe.each(acceptorCases())("an acceptor: $name", ({ create, dial: open }: AcceptorCase) => {
  const dialled: Dialled[] = [];
  const acceptors: Acceptor[] = [];

  afterEach(async () => {
    for (const client of dialled.splice(0)) client.close();
    await Promise.all(acceptors.splice(0).map((acceptor) => acceptor.stop()));
    await until(openSockets).toBe(0);
  });

  function start(port = 0, at?: string): ReturnType<typeof startAcceptor> & Promise<unknown> {
    const acceptor = create({ port, ...(at === undefined ? {} : { host: at }) });
    acceptors.push(acceptor);
    return startAcceptor(acceptor);
  }

  function dial(port: number, options?: DialOptions): Dialled {
    const client = open(port, options);
    dialled.push(client);
    return client;
  }

  test("tells its address, with the port that was picked", async () => {
    const { address, port } = await start();
    expect(address).toBe(`127.0.0.1:${port}`);
    expect(port).toBeGreaterThan(0);
    expect((await start(0, "::1")).address).toMatch(/^\[::1\]:\d+$/);
  });

  test("a port that is taken, or an address that is another's, is an error that names it", async () => {
    const { port } = await start();
    await expect(start(port)).rejects.toThrow(`127.0.0.1:${port}`);
    await expect(start(port, "192.0.2.1")).rejects.toThrow(`192.0.2.1:${port}`);
    await expect(start(70_000)).rejects.toThrow("70000");
  });

  test("on every address of the machine: those of IPv4 are seen as such", async () => {
    const { address, port, accepted } = await start(0, "::");
    expect(address).toBe(`[::]:${port}`);
    for (const [at, seen] of [
      ["127.0.0.1", "127.0.0.1"],
      ["::1", "::1"],
    ] as const) {
      const client = dial(port, { host: at, rejectUnauthorized: false });
      client.send(packet(at));
      await until(() => accepted.find(({ heard }) => heard.text.endsWith(at))?.socket.remoteAddress).toBe(seen);
    }
  });

  test("packets go both ways", async () => {
    const { port, accepted } = await start();
    const client = dial(port);
    await until(() => client.state).toBe("open");
    client.send(packet("hello"));
    const { socket, heard } = await first(accepted);
    await until(() => heard.text.endsWith("hello")).toBe(true);
    expect(socket.remoteAddress).toBe("127.0.0.1");
    socket.write(framed(socket, packet(1_000)));
    await until(() => client.heard).toBe(1_004);
  });

  test("a client that does not take what it is sent is seen to, and heard of when it has", async () => {
    const { port, accepted } = await start();
    dial(port);
    const { socket, heard } = await first(accepted);
    let sent = 0;
    while (socket.write(framed(socket, packet(60_000)))) sent++;
    expect(socket.queuedBytes).toBeGreaterThan(0);
    expect(sent).toBeLessThan(10_000);
    await until(() => heard.drains).toBeGreaterThan(0);
    await until(() => socket.queuedBytes).toBe(0);
  });

  test("paused it takes nobody, and those that are there stay; resumed it takes again", async () => {
    const acceptor = create({ port: 0 });
    acceptors.push(acceptor);
    const { port, accepted } = await startAcceptor(acceptor);
    const there = dial(port);
    const { heard } = await first(accepted);
    await until(() => there.state).toBe("open");
    acceptor.pause();
    const refused = dial(port);
    await until(() => refused.state).toBe("closed");
    expect(accepted.length).toBe(1);
    there.send(packet("here"));
    await until(() => heard.text.endsWith("here")).toBe(true);
    acceptor.resume();
    dial(port);
    await until(() => accepted.length).toBe(2);
  });

  test("stopped it takes nobody and frees its port; its sockets end, and it is over", async () => {
    const acceptor = create({ port: 0 });
    const { port, accepted } = await startAcceptor(acceptor);
    const client = dial(port);
    const { socket, heard } = await first(accepted);
    await until(() => client.state).toBe("open");
    const stopped = acceptor.stop();
    const late = dial(port);
    await until(() => late.state).toBe("closed");
    socket.write(framed(socket, packet("last")));
    socket.end();
    await stopped;
    await until(() => client.state).toBe("closed");
    expect(client.heard).toBe(8);
    await until(() => heard.closes).toEqual([undefined]);
    expect((await start(port)).port).toBe(port);
    await acceptor.stop();
  });

  test("stopped, it cuts after 5 s whom nobody closed, and who never became anybody", async () => {
    const acceptor = create({ port: 0 });
    const { port, accepted } = await startAcceptor(acceptor);
    const client = dial(port);
    const silent = overSocket(connect({ host, port }), "connect");
    dialled.push(silent);
    await until(() => [client.state, silent.state]).toEqual(["open", "open"]);
    await acceptor.stop();
    await until(() => [client.state, silent.state]).toEqual(["closed", "closed"]);
    for (const { heard } of accepted) await until(() => heard.closes.length).toBe(1);
    expect(accepted.flatMap(({ heard }) => heard.late)).toEqual([]);
  });

  test("stopping, pausing and resuming before it has started do nothing", async () => {
    const acceptor = create({ port: 0 });
    acceptor.pause();
    acceptor.resume();
    await acceptor.stop();
    acceptors.push(acceptor);
    const { port, accepted } = await startAcceptor(acceptor);
    dial(port);
    await first(accepted);
  });
});

test("a net without WebSockets says so", async () => {
  const { listen, connect: connectNet } = acceptorHost.net;
  const start = webSocket({ port: 0 }).start(() => new Recorder(), { ...acceptorHost, net: { listen, connect: connectNet } });
  await expect(start).rejects.toMatchObject({ code: "unimplemented" });
});

describe("acceptStream(), for acceptors of one's own", () => {
  function accept(stream: Duplex): {
    readonly heard: Recorder;
    readonly socket: Parameters<Parameters<typeof acceptStream>[0]>[0];
  } {
    const heard = new Recorder();
    const taken: Parameters<Parameters<typeof acceptStream>[0]>[0][] = [];
    acceptStream(
      (socket) => {
        taken.push(socket);
        return heard;
      },
      stream,
      "10.1.2.3",
    );
    const [socket] = taken;
    if (!socket) throw new Error("not accepted");
    return { heard, socket };
  }

  test("bytes both ways, its address, and its end", async () => {
    const written = new PassThrough();
    const read = new PassThrough();
    const { heard, socket } = accept(Duplex.from({ readable: read, writable: written }));
    expect(socket.remoteAddress).toBe("10.1.2.3");
    read.write("in");
    await until(() => heard.text).toBe("in");
    socket.write(bytes("out"));
    await until(() => String(written.read() ?? "")).toBe("out");
    read.end();
    await until(() => heard.closes).toEqual([undefined]);
    expect(socket.write(bytes("late"))).toBe(false);
  });

  test("a full stream says so, and drains", async () => {
    let release = (): void => {};
    const stream = new Duplex({
      read() {},
      write(_chunk, _encoding, done) {
        release = done;
      },
    });
    const { heard, socket } = accept(stream);
    expect(socket.write(new Uint8Array(100_000))).toBe(false);
    expect(socket.queuedBytes).toBe(100_000);
    release();
    await until(() => heard.drains).toBe(1);
    socket.destroy();
    await until(() => heard.closes).toEqual([undefined]);
  });

  test("an error is told with the close, once", async () => {
    const stream = new PassThrough();
    const { heard } = accept(stream);
    stream.destroy(new Error("the cable"));
    await until(() => heard.closes.map((error) => error?.message)).toEqual(["the cable"]);
    expect(heard.late).toEqual([]);
  });

  test("a stream whose peer does not end is cut 5 s after its end", async () => {
    const { heard, socket } = accept(new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() }));
    socket.end();
    await until(() => heard.closes.length, 7_000).toBe(1);
  });

  test("whoever has ended hears nothing more", async () => {
    const read = new PassThrough();
    const { heard, socket } = accept(Duplex.from({ readable: read, writable: new PassThrough().resume() }));
    socket.end();
    read.write("still talking");
    read.end();
    await until(() => heard.closes.length).toBe(1);
    expect(heard.text).toBe("");
  });
});
